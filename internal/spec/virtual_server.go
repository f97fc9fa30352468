package spec

import (
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

// VirtualServer is a service of the director: an address and port, and how connections to it are
// spread over real servers.
type VirtualServer struct {
	Address          netip.Addr       `json:"address" doc:"virtual IP address of the service; an instance usually carries it"`
	Port             int              `json:"port" minimum:"1" maximum:"65535" doc:"port of the service"`
	Protocol         Protocol         `json:"protocol" enum:"tcp,udp,sctp" required:"false" default:"tcp" doc:"transport protocol"`
	Scheduler        string           `json:"scheduler" enum:"rr,wrr,lc,wlc,fo,ovf,lblc,lblcr,dh,sh,mh,sed,nq,twos" required:"false" default:"wlc" doc:"IPVS scheduler, by the kernel's name"`
	ForwardingMethod ForwardingMethod `json:"forwarding_method" enum:"nat,dr,tunnel" doc:"how packets reach the real servers; no default, because each needs the real servers set up its own way"`
	HealthCheck      *HealthCheck     `json:"health_check,omitzero" required:"false" doc:"how real servers are checked; without it every server counts as healthy"`
	InitialState     InitialState     `json:"initial_state" enum:"down,up" required:"false" default:"down" doc:"what a real server counts as until its first verdict: down is out of the table until it passes, up is in until it fails; a server may say otherwise"`
	OnFailure        FailureAction    `json:"on_failure,omitzero" enum:"remove,quiesce" required:"false" doc:"what becomes of a real server that fails: remove takes it out of the table, quiesce gives it weight 0, so that its connections may finish; default: quiesce where that keeps clients away, otherwise remove; a server may say otherwise"`
	Quorum           Quorum           `json:"quorum" required:"false" doc:"how many servers must be up for the service to be up, in units of their weights"`
	SorryServer      *SorryServer     `json:"sorry_server,omitzero" required:"false" doc:"takes the place of the real servers while the quorum is lost; without it they stay as they are"`
}

// DefaultVirtualServer returns a virtual server in which everything that has a default has it.
func DefaultVirtualServer() VirtualServer {
	return VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, Quorum: DefaultQuorum()}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *VirtualServer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain VirtualServer
	*v = DefaultVirtualServer()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *VirtualServer) Validate() FieldErrors {
	var errs FieldErrors
	if problem := unicast(v.Address); problem != "" {
		errs.add("/address", "%s", problem)
	}
	errs.within("/port", v.Port, 1, 65535)
	errs.oneOf("/protocol", string(v.Protocol), Protocols())
	errs.oneOf("/scheduler", v.Scheduler, Schedulers())
	errs.oneOf("/forwarding_method", string(v.ForwardingMethod), ForwardingMethods())
	if v.HealthCheck != nil {
		errs = append(errs, v.HealthCheck.Validate().Under("/health_check")...)
	}
	errs.oneOf("/initial_state", string(v.InitialState), InitialStates())
	errs = append(errs, v.admitFailure(v.OnFailure)...)
	errs = append(errs, v.Quorum.validate().Under("/quorum")...)
	return append(errs, v.validateSorryServer().Under("/sorry_server")...)
}

// Admit reports why a real server cannot belong to the service. Direct routing and tunnelling keep
// the destination port, and only a tunnel could carry one family inside the other.
func (v *VirtualServer) Admit(server netip.AddrPort, as RealServer) FieldErrors {
	errs := append(v.admit(server, v.ForwardingMethod), v.admitFailure(as.OnFailure)...)
	if v.SorryServer != nil && v.SorryServer.AddrPort() == server {
		errs.add("/address", "%s is the service's sorry server: it cannot be one of its real servers, too", server)
	}
	return errs
}

// admit is Admit for a server that is reached by a method of its own.
func (v *VirtualServer) admit(server netip.AddrPort, method ForwardingMethod) FieldErrors {
	var errs FieldErrors
	if server.Addr().Is4() != v.Address.Is4() {
		errs.add("/address", "%s and the service's address %s are of different families: use a real server of the same family", server.Addr(), v.Address)
	}
	if method != NAT && int(server.Port()) != v.Port {
		errs.add("/port", "forwarding_method %q keeps the port: use %d, the service's, or nat", method, v.Port)
	}
	return errs
}

// Endpoint identifies the service to the kernel: no two may share it.
func (v *VirtualServer) Endpoint() string {
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
