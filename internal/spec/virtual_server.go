package spec

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Protocol is the transport protocol of a virtual server.
type Protocol string

// The protocols that IPVS balances.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// Protocols lists every Protocol.
func Protocols() []string { return []string{string(TCP), string(UDP), string(SCTP)} }

// ForwardingMethod is how IPVS hands a packet to a real server.
type ForwardingMethod string

// The forwarding methods: rewriting the destination, direct routing, IP-in-IP.
const (
	NAT           ForwardingMethod = "nat"
	DirectRouting ForwardingMethod = "dr"
	Tunnel        ForwardingMethod = "tunnel"
)

// ForwardingMethods lists every ForwardingMethod.
func ForwardingMethods() []string {
	return []string{string(NAT), string(DirectRouting), string(Tunnel)}
}

// Schedulers lists the schedulers of the kernel's IPVS by name. A kernel may be built without some.
func Schedulers() []string {
	return []string{"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos"}
}

// schedulerFlags are the flags of each scheduler that has some, by the names that ipvsadm gives them.
func schedulerFlags() map[string][]string {
	return map[string][]string{"sh": {"sh-fallback", "sh-port"}, "mh": {"mh-fallback", "mh-port"}}
}

// SchedulerFlags lists the flags of all schedulers.
func SchedulerFlags() []string { return slices.Concat(schedulerFlags()["sh"], schedulerFlags()["mh"]) }

// VirtualServer is a service of the director: an address and port, or what the firewall has marked, and
// how connections to it are spread over real servers.
type VirtualServer struct {
	Address          netip.Addr       `json:"address,omitzero" required:"false" doc:"virtual IP address of the service; an instance usually carries it"`
	Port             int              `json:"port,omitzero" minimum:"0" maximum:"65535" doc:"port of the service, needed with an address; 0, with persistence alone, is every port that no other service has"`
	FirewallMark     int64            `json:"firewall_mark,omitzero" minimum:"1" maximum:"4294967295" doc:"instead of an address and port: what the firewall has marked with this number"`
	Family           Family           `json:"family,omitempty" enum:"ipv4,ipv6" doc:"family of what the firewall has marked, needed with a firewall mark"`
	Protocol         Protocol         `json:"protocol" enum:"tcp,udp,sctp" required:"false" default:"tcp" doc:"transport protocol; with a firewall mark, that of what is marked, if it is but one"`
	Scheduler        string           `json:"scheduler" enum:"rr,wrr,lc,wlc,fo,ovf,lblc,lblcr,dh,sh,mh,sed,nq,twos" required:"false" default:"wlc" doc:"IPVS scheduler, by the kernel's name"`
	SchedulerFlags   []string         `json:"scheduler_flags,omitempty" enum:"sh-fallback,sh-port,mh-fallback,mh-port" doc:"switches of the scheduler: fallback takes another server when the one that a client hashes to has weight 0, port hashes the client's port along"`
	ForwardingMethod ForwardingMethod `json:"forwarding_method" enum:"nat,dr,tunnel" doc:"how packets reach the real servers; no default, because each needs the real servers set up its own way"`
	Tunnel           *TunnelOptions   `json:"tunnel,omitzero" required:"false" doc:"how packets are wrapped, with the forwarding method tunnel; without it, IP in IP"`
	Persistence      *Persistence     `json:"persistence,omitzero" required:"false" doc:"keeps a client with its real server; without it each connection goes where the scheduler sends it"`
	OnePacket        bool             `json:"one_packet,omitzero" required:"false" doc:"each packet is scheduled by itself: for UDP whose requests are one packet"`
	HealthCheck      *HealthCheck     `json:"health_check,omitzero" required:"false" doc:"how real servers are checked; without it every server counts as healthy"`
	InitialState     InitialState     `json:"initial_state" enum:"down,up" required:"false" default:"down" doc:"what a real server counts as until its first verdict: down is out of the table until it passes, up is in until it fails; a server may say otherwise"`
	OnFailure        FailureAction    `json:"on_failure,omitzero" enum:"remove,quiesce" required:"false" doc:"what becomes of a real server that fails: remove takes it out of the table, quiesce gives it weight 0, so that its connections may finish; default: quiesce where that keeps clients away, otherwise remove; a server may say otherwise"`
	DrainTimeout     Duration         `json:"drain_timeout" required:"false" doc:"default 30s; how long the connections of a real server that is removed are waited for; 0s removes it at once; a server may say otherwise"`
	SlowStart        Duration         `json:"slow_start,omitzero" required:"false" doc:"default 0s; how long the weight of a real server that comes up takes to grow from 1 to its full value; a server may say otherwise"`
	Quorum           Quorum           `json:"quorum" required:"false" doc:"how many servers must be up for the service to be up, in units of their weights"`
	SorryServer      *SorryServer     `json:"sorry_server,omitzero" required:"false" doc:"takes the place of the real servers while the quorum is lost; without it they stay as they are"`
	Notify           map[string]Hook  `json:"notify,omitempty" doc:"hooks that are told of each change of state of the virtual server and its real servers, by a name of your own"`
}

// DefaultVirtualServer returns a virtual server in which everything that has a default has it.
func DefaultVirtualServer() VirtualServer {
	return VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: DefaultQuorum()}
}

// UnmarshalJSONFrom fills in the defaults, and puts the scheduler's flags, which are a set, in order.
func (v *VirtualServer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain VirtualServer
	*v = DefaultVirtualServer()
	err := json.UnmarshalDecode(dec, (*plain)(v))
	slices.Sort(v.SchedulerFlags)
	return err
}

// Validate reports everything that is wrong with the values themselves.
func (v *VirtualServer) Validate() FieldErrors {
	var errs FieldErrors
	v.validateIdentity(&errs)
	errs.oneOf("/protocol", string(v.Protocol), Protocols())
	errs.oneOf("/scheduler", v.Scheduler, Schedulers())
	v.validateSchedulerFlags(&errs)
	errs.oneOf("/forwarding_method", string(v.ForwardingMethod), ForwardingMethods())
	if v.Tunnel != nil {
		errs = append(errs, v.Tunnel.Validate().Under("/tunnel")...)
		errs.noTunnel(v.ForwardingMethod)
	}
	if v.Persistence != nil {
		errs = append(errs, v.Persistence.validate(v).Under("/persistence")...)
	}
	if v.OnePacket && v.FirewallMark == 0 && (v.Protocol == TCP || v.Protocol == SCTP) {
		errs.add("/one_packet", "%s has connections, whose packets belong together: use it with udp, or a firewall mark", v.Protocol)
	}
	if v.HealthCheck != nil {
		errs = append(errs, v.HealthCheck.Validate().Under("/health_check")...)
		errs = append(errs, v.admitHealthCheck(v.HealthCheck)...)
		v.speaks(&errs, "/protocol", v.HealthCheck)
	}
	errs.oneOf("/initial_state", string(v.InitialState), InitialStates())
	errs = append(errs, v.admitFailure(v.OnFailure)...)
	errs = append(errs, ValidateDrainTimeout(v.DrainTimeout).Under("/drain_timeout")...)
	errs = append(errs, validateSlowStart(v.SlowStart).Under("/slow_start")...)
	errs = append(errs, v.Quorum.validate().Under("/quorum")...)
	errs.hooks(KindVirtualServer, v.Notify, "")
	return append(errs, v.validateSorryServer().Under("/sorry_server")...)
}

// validateIdentity is about what the kernel knows the service by: address and port, or mark and family.
func (v *VirtualServer) validateIdentity(errs *FieldErrors) {
	if v.FirewallMark == 0 {
		if v.Address == (netip.Addr{}) {
			errs.add("/address", "an address is needed, or a firewall mark")
		} else if problem := unicast(v.Address); problem != "" {
			errs.add("/address", "%s", problem)
		}
		if v.Port != 0 || v.Persistence == nil {
			errs.within("/port", v.Port, 1, 65535)
		}
		if v.Port == 0 && v.Persistence == nil {
			(*errs)[len(*errs)-1].Detail += "; 0, every port, goes with persistence alone"
		}
		if v.Family != "" {
			errs.add("/family", "an address says its family: leave it out, or use a firewall mark")
		}
		return
	}
	if v.FirewallMark < 1 || v.FirewallMark > math.MaxUint32 {
		errs.add("/firewall_mark", "%d is out of range: use 1 to 4294967295", v.FirewallMark)
	}
	if v.Address != (netip.Addr{}) {
		errs.add("/firewall_mark", "a service has a firewall mark or an address, not both: leave one out")
	}
	if v.Port != 0 {
		errs.add("/port", "the firewall's rule says which ports it marks: leave the port out")
	}
	errs.oneOf("/family", string(v.Family), []string{string(IPv4), string(IPv6)})
}

func (v *VirtualServer) validateSchedulerFlags(errs *FieldErrors) {
	if !slices.Contains(Schedulers(), v.Scheduler) {
		return
	}
	has := schedulerFlags()[v.Scheduler]
	for i, flag := range v.SchedulerFlags {
		switch {
		case len(has) == 0:
			errs.add("/scheduler_flags", "%q is no flag of scheduler %q, which has none: leave it out", flag, v.Scheduler)
		case !slices.Contains(has, flag):
			errs.add("/scheduler_flags", "%q is no flag of scheduler %q: use %s", flag, v.Scheduler, strings.Join(has, ", "))
		case slices.Contains(v.SchedulerFlags[:i], flag):
			errs.add("/scheduler_flags", "%q stands there twice: remove one", flag)
		}
	}
}

// noTunnel reports a tunnel's options with another forwarding method.
func (e *FieldErrors) noTunnel(method ForwardingMethod) {
	if method == NAT || method == DirectRouting {
		e.add("/tunnel", "forwarding_method %q has no tunnel: leave it out, or use the method tunnel", method)
	}
}

// Fallback reports whether the scheduler takes another server for a client whose own has weight 0.
func (v *VirtualServer) Fallback() bool {
	return slices.Contains(v.SchedulerFlags, v.Scheduler+"-fallback")
}

// Admit reports why a real server cannot belong to the service. Direct routing and tunnelling keep
// the destination port, and only a tunnel carries one family inside the other.
func (v *VirtualServer) Admit(address netip.AddrPort, server RealServer) FieldErrors {
	errs := append(v.admit(address, server), v.admitFailure(server.OnFailure)...)
	errs = append(errs, v.admitHealthCheck(server.HealthCheck)...)
	if v.SorryServer != nil && v.SorryServer.AddrPort() == address {
		errs.add("/address", "%s is the service's sorry server: it cannot be one of its real servers, too", address)
	}
	if check := v.Resolve(server).HealthCheck; errs == nil && check != nil {
		errs = check.admit(address)
	}
	if server.HealthCheck != nil {
		v.speaks(&errs, "/health_check", server.HealthCheck)
	}
	return errs
}

// admitHealthCheck reports why the service's servers cannot be checked so.
func (v *VirtualServer) admitHealthCheck(check *HealthCheck) FieldErrors {
	var errs FieldErrors
	if check != nil && check.OnlyWhenActive && v.FirewallMark != 0 {
		errs.add("/health_check/only_when_active", "a service by firewall mark has no address of its own that could be active: leave it out")
	}
	return errs
}

// admit is Admit for any server, the sorry server among them.
func (v *VirtualServer) admit(address netip.AddrPort, server RealServer) FieldErrors {
	var errs FieldErrors
	method := server.Method(v)
	if family := v.AddressFamily(); FamilyOf(address.Addr()) != family && method != Tunnel {
		errs.add("/address", "%s is not %s, as the service is: use a server of that family, or the forwarding method tunnel", address.Addr(), family)
	}
	switch port := int(address.Port()); {
	case method != NAT && v.FirewallMark != 0 && port != 0:
		errs.add("/port", "forwarding_method %q keeps the port, whichever it is, with a firewall mark: use 0, or nat", method)
	case method != NAT && v.FirewallMark == 0 && port != v.Port:
		errs.add("/port", "forwarding_method %q keeps the port: use %d, the service's, or nat", method, v.Port)
	case method == NAT && port == 0 && v.Port != 0:
		errs.add("/port", "0 keeps the port that a client asked for, where a service has many: use 1 to 65535")
	}
	if server.Tunnel != nil {
		errs.noTunnel(method)
	}
	return errs
}

// Endpoint identifies the service to the kernel: no two may share it.
func (v *VirtualServer) Endpoint() string {
	if v.FirewallMark != 0 {
		return fmt.Sprintf("firewall mark %d (%s)", v.FirewallMark, v.Family)
	}
	return string(v.Protocol) + ":" + netip.AddrPortFrom(v.Address, uint16(v.Port)).String()
}

// oneOf reports a word that is not in the list.
func (e *FieldErrors) oneOf(pointer, value string, words []string) {
	if slices.Contains(words, value) {
		return
	}
	if value == "" {
		e.add(pointer, "a value is needed: one of %s", strings.Join(words, ", "))
		return
	}
	e.add(pointer, "%q is not known: use one of %s", value, strings.Join(words, ", "))
}
