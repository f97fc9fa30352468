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
	VirtualRouterID       int                   `json:"virtual_router_id" minimum:"1" maximum:"255" doc:"VRID, 1 to 255, the same on every director of the virtual router and used once on an interface and family"`
	Interface             string                `json:"interface" doc:"network interface that adverts are sent from and that carries the virtual addresses"`
	Priority              int                   `json:"priority" minimum:"1" maximum:"255" required:"false" default:"100" doc:"1 to 254; the highest priority among the directors that are alive becomes active; 255 is for the owner, whose interface has the virtual addresses as its own"`
	Preempt               bool                  `json:"preempt" required:"false" default:"true" doc:"take over from an active director of lower priority; an active one always yields to a higher priority"`
	PreemptDelay          Duration              `json:"preempt_delay" required:"false" doc:"default 0s, at most 1000s; how long an active director of lower priority is left alone from when it is first heard"`
	Version               int                   `json:"version" minimum:"2" maximum:"3" required:"false" default:"3" doc:"version of VRRP: 3 (RFC 9568), or 2 (RFC 3768) beside routers that know no other; no instance speaks both"`
	AdvertisementInterval Duration              `json:"advertisement_interval" required:"false" doc:"default 1s; 10ms to 40.95s in steps of 10ms, in version 2 1s to 255s in whole seconds; takeover after a crash takes a little over three intervals"`
	VirtualAddresses      []netip.Prefix        `json:"virtual_addresses" minItems:"1" maxItems:"255" doc:"addresses with prefix length, all of one family, that are on the active director, in the order in which adverts carry them; the first IPv6 address is link-local"`
	ChecksumCompatibility ChecksumCompatibility `json:"checksum_compatibility" enum:"rfc9568,rfc5798" required:"false" default:"rfc9568" doc:"checksum of IPv4 adverts of version 3 that are sent: rfc9568, or with pseudo-header as keepalived takes it by default; both are understood"`
	AuthPass              Secret                `json:"auth_pass,omitempty" required:"false" maxLength:"8" doc:"version 2: password in clear that adverts carry (authentication type 1), at most 8 bytes; taken, and never answered"`
	AuthPassVersion       int                   `json:"auth_pass_version,omitzero" required:"false" minimum:"0" doc:"a number of your own that goes with auth_pass, and is answered"`
	UnicastSource         netip.Addr            `json:"unicast_source,omitzero" required:"false" doc:"address of the interface that unicast adverts come from"`
	UnicastPeers          []netip.Addr          `json:"unicast_peers,omitempty" required:"false" doc:"addresses of the other routers: adverts go to each of them, and not to the multicast group"`
	UnicastTTL            int                   `json:"unicast_ttl" minimum:"1" maximum:"255" required:"false" default:"255" doc:"TTL or hop limit of unicast adverts that are sent"`
	UnicastMinimumTTL     int                   `json:"unicast_minimum_ttl,omitzero" minimum:"1" maximum:"255" required:"false" doc:"least TTL or hop limit that unicast adverts may arrive with; left out, it is unicast_ttl: no router may be between"`
	VirtualMAC            bool                  `json:"virtual_mac" required:"false" default:"false" doc:"the addresses have the virtual router's own MAC, 00:00:5e:00:01:VRID or 00:00:5e:00:02:VRID, on a macvlan of the interface that the active director brings up, so that neighbours need not learn anything in a takeover"`
	AcceptMode            bool                  `json:"accept_mode" required:"false" default:"true" doc:"version 3: take packets to the virtual addresses while active; without, they are dropped, but for neighbour discovery and what the director sends to itself; an owner takes them in any case"`
	ExcludedAddresses     []ExcludedAddress     `json:"excluded_addresses,omitempty" doc:"addresses of any family that are on the active director, too, and not in adverts"`
	VirtualRoutes         []VirtualRoute        `json:"virtual_routes,omitempty" doc:"routes that the active director has"`
	GARP                  GARP                  `json:"garp" required:"false" doc:"how often the active director announces its addresses"`
	SyncGroup             string                `json:"sync_group,omitempty" pattern:"^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$" doc:"name that instances share which are active together or not at all"`
	TrackScripts          map[string]Track      `json:"track_scripts,omitempty" doc:"check scripts that move the priority, by name"`
	TrackInterfaces       map[string]Track      `json:"track_interfaces,omitempty" doc:"network interfaces that move the priority, by name; one passes while it is up and has a carrier"`
	TrackVirtualServers   map[string]Track      `json:"track_virtual_servers,omitempty" doc:"virtual servers that move the priority, by name; one passes while its state is up"`
	Notify                map[string]Hook       `json:"notify,omitempty" doc:"hooks that are told of each change of state, by a name of your own"`
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
	return VRRPInstance{
		Version: VRRPv3, Priority: DefaultPriority, Preempt: true, AdvertisementInterval: Duration(defaultAdvertisement),
		ChecksumCompatibility: ChecksumRFC9568, AcceptMode: true, UnicastTTL: DefaultTTL, GARP: DefaultGARP(),
	}
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
	v.validateProtocol(&errs)
	v.validateAddresses(&errs)
	v.validateUnicast(&errs)
	v.validateExtras(&errs)
	errs = append(errs, v.GARP.validate("/garp")...)
	if v.SyncGroup != "" {
		if bad := misnamed(v.SyncGroup); bad != "" {
			errs.add("/sync_group", "%s", bad)
		}
	}
	errs.tracks("/track_scripts", v.TrackScripts, misnamed)
	errs.tracks("/track_interfaces", v.TrackInterfaces, misnamedInterface)
	errs.tracks("/track_virtual_servers", v.TrackVirtualServers, misnamed)
	errs.hooks(KindVRRPInstance, v.Notify, v.SyncGroup)
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

func misnamed(name string) string {
	if bad := ValidateName(name); bad != nil {
		return bad[0].Detail
	}
	return ""
}

func misnamedInterface(name string) string {
	if isInterfaceName(name) {
		return ""
	}
	return notAnInterface(name)
}
