package spec

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// IPVSSettingsKey is the key of a director's only IPVSSettings.
const IPVSSettingsKey = "default"

// IPVSSettings are settings of a director's machine that belong to IPVS. What is left out is left alone;
// what is taken out again, or goes with the object, gets the value back that it had before.
type IPVSSettings struct {
	ConnectionSync *ConnectionSync `json:"connection_sync,omitzero" required:"false" doc:"connections are told to, and heard of from, other directors, so that one that takes over knows them"`
	Timeouts       *IPVSTimeouts   `json:"timeouts,omitzero" required:"false" doc:"how long connections without traffic are remembered"`
	Sysctls        *IPVSSysctls    `json:"sysctls,omitzero" required:"false" doc:"settings of the kernel, net.ipv4.vs.* and net.ipv4.ip_forward"`
}

// ConnectionSync runs the kernel's two sync daemons, the one that tells (master) and the one that hears
// (backup).
type ConnectionSync struct {
	Interface string     `json:"interface" doc:"network interface of the messages; it has an IPv4 address where the group is an IPv4 one"`
	Follow    string     `json:"follow,omitempty" doc:"VRRP instance: while it is active here the master runs, and the backup otherwise; left out, both run always"`
	SyncID    int        `json:"sync_id" minimum:"0" maximum:"255" required:"false" default:"0" doc:"id in the messages; a backup hears those of its id alone, and with 0 all"`
	Group     netip.Addr `json:"group" required:"false" doc:"default 224.0.0.81; multicast address of the messages, IPv4 or IPv6"`
	Port      int        `json:"port" minimum:"1" maximum:"65535" required:"false" default:"8848" doc:"UDP port of the messages"`
	TTL       int        `json:"ttl" minimum:"1" maximum:"255" required:"false" default:"1" doc:"TTL or hop limit of the messages"`
	MaxLength int        `json:"max_length,omitzero" minimum:"1024" maximum:"65487" required:"false" doc:"most bytes of a message; left out, what fits into 1500 bytes with its headers"`
}

// IPVSTimeouts are times in whole seconds, 1s to 576h.
type IPVSTimeouts struct {
	TCP    *Duration `json:"tcp,omitzero" required:"false" doc:"of an established TCP connection; the kernel's is 15m"`
	TCPFin *Duration `json:"tcp_fin,omitzero" required:"false" doc:"of a TCP connection after a FIN; the kernel's is 2m"`
	UDP    *Duration `json:"udp,omitzero" required:"false" doc:"of a UDP flow; the kernel's is 5m"`
}

// IPVSSysctls have the kernel's names (Documentation/networking/ipvs-sysctl.rst).
type IPVSSysctls struct {
	ExpireNodestConn        *bool `json:"expire_nodest_conn,omitzero" required:"false" doc:"connections of a real server that was removed end at once, and do not wait for its return"`
	ExpireQuiescentTemplate *bool `json:"expire_quiescent_template,omitzero" required:"false" doc:"persistence with a real server of weight 0 ends at once"`
	ConnReuseMode           *int  `json:"conn_reuse_mode,omitzero" minimum:"0" maximum:"3" required:"false" doc:"what a new connection from a port that was just used does: 0 stays with the former server, 1 is scheduled anew, 2 also after a FIN"`
	SloppyTCP               *bool `json:"sloppy_tcp,omitzero" required:"false" doc:"any TCP packet, not only a SYN, may begin a connection"`
	Conntrack               *bool `json:"conntrack,omitzero" required:"false" doc:"connections are kept in conntrack, too, so that netfilter rules see them"`
	IPForward               *bool `json:"ip_forward,omitzero" required:"false" doc:"the machine forwards IPv4 packets (net.ipv4.ip_forward), as forwarding_method nat needs"`
}

// Limits of the settings.
const (
	// The kernel refuses more seconds than INT_MAX / HZ, 24 days and 20 hours at 1000 Hz.
	maxIPVSTimeout = 24 * 24 * time.Hour
	// A backup takes no less than 1024, and a message over IPv6 no more than 65535 with its headers.
	minSyncLength = 1024
	maxSyncLength = 65487
)

// DefaultConnectionSync returns the kernel's defaults (IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT).
func DefaultConnectionSync() ConnectionSync {
	return ConnectionSync{Group: netip.AddrFrom4([4]byte{224, 0, 0, 81}), Port: 8848, TTL: 1}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *ConnectionSync) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain ConnectionSync
	*v = DefaultConnectionSync()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves. Whether this kernel and machine
// have what is set only the director can tell.
func (v *IPVSSettings) Validate() FieldErrors {
	var errs FieldErrors
	if s := v.ConnectionSync; s != nil {
		errs = append(errs, s.validate().Under("/connection_sync")...)
	}
	if t := v.Timeouts; t != nil {
		errs.timeout("/timeouts/tcp", t.TCP)
		errs.timeout("/timeouts/tcp_fin", t.TCPFin)
		errs.timeout("/timeouts/udp", t.UDP)
	}
	if s := v.Sysctls; s != nil && s.ConnReuseMode != nil {
		errs.within("/sysctls/conn_reuse_mode", *s.ConnReuseMode, 0, 3)
	}
	return errs
}

func (v *ConnectionSync) validate() FieldErrors {
	var errs FieldErrors
	if v.Interface == "" {
		errs.add("/interface", "an interface is needed, such as eth0")
	} else {
		errs.interfaceName("/interface", v.Interface)
	}
	if v.Follow != "" {
		if bad := misnamed(v.Follow); bad != "" {
			errs.add("/follow", "%s", bad)
		}
	}
	errs.within("/sync_id", v.SyncID, 0, 255)
	switch g := v.Group; {
	case !g.IsValid() || !g.IsMulticast():
		errs.add("/group", "%s is not a multicast address: use 224.0.0.81, or leave group out", g)
	case g.Zone() != "" || g.Is4In6():
		errs.add("/group", "%s: a group has no zone, and an IPv4 one is written as IPv4", g)
	}
	errs.within("/port", v.Port, 1, 65535)
	errs.within("/ttl", v.TTL, 1, 255)
	if v.MaxLength != 0 {
		errs.within("/max_length", v.MaxLength, minSyncLength, maxSyncLength)
	}
	return errs
}

// timeout reports a timeout that the kernel would round, or take for "leave it as it is".
func (e *FieldErrors) timeout(pointer string, d *Duration) {
	switch {
	case d == nil:
	case d.Std() < time.Second || d.Std() > maxIPVSTimeout:
		e.add(pointer, "%s is out of range: use 1s to %s", d, maxIPVSTimeout)
	case d.Std()%time.Second != 0:
		e.add(pointer, "%s is not a number of whole seconds: use %s", d, d.Std().Round(time.Second))
	}
}

// FitIPVSSettings reports how settings would fit the other objects.
func (d Desired) FitIPVSSettings(v IPVSSettings) Verdict {
	var fit Verdict
	if v.ConnectionSync == nil {
		return fit
	}
	if follow := v.ConnectionSync.Follow; follow != "" {
		if _, ok := d.VRRPInstances[follow]; !ok {
			fit.Unresolved.add("/connection_sync/follow", "VRRP instance %q does not exist on this director: create it first", follow)
		}
	}
	const beside = "is of another family than its virtual server: the kernel has no connection sync beside such servers; remove one of them"
	for _, key := range d.RealServers.keys() {
		if service, ok := d.VirtualServers[key.VirtualServer]; ok && crossesFamilies(service, key.Address.Addr()) {
			fit.Conflicts.add("/connection_sync", "real server %s %s", key, beside)
			return fit
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.VirtualServers)) {
		if service := d.VirtualServers[name]; service.SorryServer != nil && crossesFamilies(service, service.SorryServer.Address) {
			fit.Conflicts.add("/connection_sync", "the sorry server of %s %s", name, beside)
			return fit
		}
	}
	return fit
}

// unsynced reports a server that the kernel refuses because connections are synced.
func (d Desired) unsynced(service VirtualServer, server netip.Addr) FieldErrors {
	if d.IPVSSettings == nil || d.IPVSSettings.ConnectionSync == nil || !crossesFamilies(service, server) {
		return nil
	}
	return FieldErrors{{Pointer: "/address", Detail: fmt.Sprintf(
		"%s is of another family than its virtual server: the kernel has no such servers beside connection sync (ipvs settings); remove one of them", server)}}
}

// crossesFamilies reports whether a tunnel carries the service's family inside another one.
func crossesFamilies(service VirtualServer, server netip.Addr) bool {
	return service.AddressFamily() != FamilyOf(server)
}
