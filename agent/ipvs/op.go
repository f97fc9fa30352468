package ipvs

import "net/netip"

// Op is one change of a table.
type Op struct {
	Action  Action
	Service ServiceKey
	// Options, when a service is added or edited.
	Options Options
	// Server and Destination, when a destination is added or edited; Server alone when it is deleted.
	Server      netip.AddrPort
	Destination Destination
}

// Action says what an Op does. Deleting a service deletes its destinations.
type Action int

// The actions.
const (
	AddService Action = iota + 1
	EditService
	DeleteService
	AddDestination
	EditDestination
	DeleteDestination
)

// String returns the command that an operator would type: "ipvsadm -a -t 192.0.2.100:80 -r
// 192.0.2.21:80 -g -w 1".
func (o Op) String() string {
	service := o.Service.flag()
	switch o.Action {
	case AddService:
		return "ipvsadm -A " + service + o.Options.flags(o.Service)
	case EditService:
		return "ipvsadm -E " + service + o.Options.flags(o.Service)
	case DeleteService:
		return "ipvsadm -D " + service
	case AddDestination:
		return "ipvsadm -a " + service + " -r " + o.Server.String() + o.Destination.flags()
	case EditDestination:
		return "ipvsadm -e " + service + " -r " + o.Server.String() + o.Destination.flags()
	case DeleteDestination:
		return "ipvsadm -d " + service + " -r " + o.Server.String()
	}
	return "no operation"
}

// doing says in words what an Op does, for errors.
func (o Op) doing() string {
	service := o.Service.String()
	switch o.Action {
	case AddService:
		return "add service " + service
	case EditService:
		return "edit service " + service
	case DeleteService:
		return "delete service " + service
	case AddDestination:
		return "add destination " + o.Server.String() + " to " + service
	case EditDestination:
		return "edit destination " + o.Server.String() + " of " + service
	case DeleteDestination:
		return "delete destination " + o.Server.String() + " of " + service
	}
	return "do nothing to " + service
}

// command returns the kernel's command.
func (o Op) command() uint8 {
	switch o.Action {
	case AddService:
		return commandAddService
	case EditService:
		return commandEditService
	case DeleteService:
		return commandDeleteService
	case AddDestination:
		return commandAddDestination
	case EditDestination:
		return commandEditDestination
	case DeleteDestination:
		return commandDeleteDestination
	}
	return 0 // IPVS_CMD_UNSPEC, which the kernel refuses
}

// encode adds the attributes that the command takes.
func (o Op) encode(e *encoder) {
	e.nested(attrService, func() {
		e.key(o.Service)
		if o.Action == AddService || o.Action == EditService {
			e.options(o.Options, o.Service.Family())
		}
	})
	switch o.Action {
	case AddDestination, EditDestination, DeleteDestination:
		e.nested(attrDestination, func() {
			e.server(o.Server)
			if o.Action != DeleteDestination {
				e.destination(o.Destination)
			}
		})
	}
}
