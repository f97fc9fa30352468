package spec

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// VRRPInstance is one virtual router (RFC 9568) as one director takes part in it: the same virtual
// router id and addresses everywhere, its own interface and priority.
type VRRPInstance struct {
	VirtualRouterID       int              `json:"virtual_router_id" minimum:"1" maximum:"255" doc:"VRID, 1 to 255, the same on every director of the virtual router and used once on an interface and family"`
	Interface             string           `json:"interface" doc:"network interface that adverts are sent from and that carries the virtual addresses"`
	Priority              int              `json:"priority" minimum:"1" maximum:"255" required:"false" default:"100" doc:"1 to 254; the highest priority among the directors that are alive becomes active; 255 is for the owner, whose interface has the virtual addresses as its own"`
	Preempt               bool             `json:"preempt" required:"false" default:"true" doc:"take over from an active director of lower priority; an active one always yields to a higher priority"`
	PreemptDelay          Duration         `json:"preempt_delay" required:"false" doc:"default 0s, at most 1000s; how long an active director of lower priority is left alone from when it is first heard"`
	AdvertisementInterval Duration         `json:"advertisement_interval" required:"false" doc:"default 1s; 10ms to 40.95s in steps of 10ms; takeover after a crash takes a little over three intervals"`
	VirtualAddresses      []netip.Prefix   `json:"virtual_addresses" minItems:"1" maxItems:"255" doc:"addresses with prefix length that are on the active director, in the order in which adverts carry them"`
	GARP                  GARP             `json:"garp" required:"false" doc:"how often the active director announces its addresses"`
	TrackScripts          map[string]Track `json:"track_scripts,omitempty" doc:"check scripts that move the priority, by name"`
	TrackInterfaces       map[string]Track `json:"track_interfaces,omitempty" doc:"network interfaces that move the priority, by name; one passes while it is up and has a carrier"`
	TrackVirtualServers   map[string]Track `json:"track_virtual_servers,omitempty" doc:"virtual servers that move the priority, by name; one passes while its state is up"`
}

// Track is what one tracked thing does to the priority of an instance.
type Track struct {
	Weight  int  `json:"weight" minimum:"-253" maximum:"253" required:"false" default:"0" doc:"above 0: added while it passes; below 0: subtracted while it fails; 0: the instance is in fault while it fails"`
	Inverse bool `json:"inverse,omitzero" required:"false" default:"false" doc:"turns the sign round: above 0, subtracted while it passes; below 0, added while it fails; 0: in fault while it passes"`
}

// Limits of a virtual router (RFC 9568 §5.2).
const (
	MaxVirtualAddresses   = 255
	advertisementStep     = 10 * time.Millisecond
	maxAdvertisement      = 4095 * advertisementStep
	DefaultPriority       = 100
	OwnerPriority         = 255
	maxPreemptDelay       = 1000 * time.Second
	defaultAdvertisement  = time.Second
	maxInterfaceNameBytes = 15
)

// DefaultVRRPInstance returns an instance in which everything that has a default has it.
func DefaultVRRPInstance() VRRPInstance {
	return VRRPInstance{Priority: DefaultPriority, Preempt: true, AdvertisementInterval: Duration(defaultAdvertisement), GARP: DefaultGARP()}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *VRRPInstance) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain VRRPInstance
	*v = DefaultVRRPInstance()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// interfaceName is what the kernel takes as the name of a network interface (dev_valid_name), less
// what nobody uses and shells trip over.
var interfaceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*$`)

func isInterfaceName(name string) bool {
	return len(name) <= maxInterfaceNameBytes && interfaceName.MatchString(name)
}

func notAnInterface(name string) string {
	return fmt.Sprintf("%q is not the name of a network interface: at most %d letters, digits, '_', '.', '-'", name, maxInterfaceNameBytes)
}

// Validate reports everything that is wrong with the values themselves.
func (v *VRRPInstance) Validate() FieldErrors {
	var errs FieldErrors
	errs.within("/virtual_router_id", v.VirtualRouterID, 1, 255)
	errs.within("/priority", v.Priority, 1, OwnerPriority)
	switch d := v.PreemptDelay.Std(); {
	case d < 0 || d > maxPreemptDelay:
		errs.add("/preempt_delay", "%s is out of range: use 0s to %s", d, maxPreemptDelay)
	case d > 0 && !v.Preempt:
		errs.add("/preempt_delay", "preempt is false, so there is nothing to delay: remove one of them")
	}
	switch {
	case v.Interface == "":
		errs.add("/interface", "an interface is needed, such as eth0")
	case !isInterfaceName(v.Interface):
		errs.add("/interface", "%s", notAnInterface(v.Interface))
	}
	switch d := v.AdvertisementInterval.Std(); {
	case d < advertisementStep || d > maxAdvertisement:
		errs.add("/advertisement_interval", "%s is out of range: use %s to %s", d, advertisementStep, maxAdvertisement)
	case d%advertisementStep != 0:
		errs.add("/advertisement_interval", "%s is not a multiple of %s, the unit of VRRP version 3", d, advertisementStep)
	}
	switch n := len(v.VirtualAddresses); {
	case n == 0:
		errs.add("/virtual_addresses", "at least one virtual address is needed, such as 192.0.2.100/24")
	case n > MaxVirtualAddresses:
		errs.add("/virtual_addresses", "%d addresses do not fit into an advert: at most %d", n, MaxVirtualAddresses)
	}
	seen := map[netip.Addr]bool{}
	for i, p := range v.VirtualAddresses {
		at := fmt.Sprintf("/virtual_addresses/%d", i)
		switch problem := unicast(p.Addr()); {
		case problem != "":
			errs.add(at, "%s", problem)
		case !p.Addr().Is4():
			errs.add(at, "%s is IPv6: this version has virtual routers for IPv4 only", p)
		case p.Addr().IsLoopback():
			errs.add(at, "%s is a loopback address: it cannot move between directors", p)
		case p.Bits() == 0:
			errs.add(at, "%s has no prefix length that an address could have: use the subnet's, or /32", p)
		case seen[p.Addr()]:
			errs.add(at, "%s stands in the list twice: remove one", p.Addr())
		}
		seen[p.Addr()] = true
	}
	errs = append(errs, v.GARP.validate("/garp")...)
	errs.tracks("/track_scripts", v.TrackScripts, trackedName)
	errs.tracks("/track_interfaces", v.TrackInterfaces, trackedInterface)
	errs.tracks("/track_virtual_servers", v.TrackVirtualServers, trackedName)
	return errs
}

// tracks reports what is wrong with what is tracked; name says what is wrong with a name, or "".
func (e *FieldErrors) tracks(at string, tracks map[string]Track, name func(string) string) {
	for _, tracked := range slices.Sorted(maps.Keys(tracks)) {
		at := pointer(at, tracked)
		if bad := name(tracked); bad != "" {
			e.add(at, "%s", bad)
		}
		e.within(at+"/weight", tracks[tracked].Weight, -253, 253)
	}
}

func trackedName(name string) string {
	if bad := ValidateName(name); bad != nil {
		return bad[0].Detail
	}
	return ""
}

func trackedInterface(name string) string {
	if isInterfaceName(name) {
		return ""
	}
	return notAnInterface(name)
}
