package spec

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// HealthCheck is how the real servers of a service are checked. Every kind that is named must pass.
type HealthCheck struct {
	Interval Duration `json:"interval" required:"false" doc:"default 2s; time between two checks of a server, from start to start; 10ms to 24h"`
	Timeout  Duration `json:"timeout" required:"false" doc:"default 1s, or half the interval where that is 1s or less; a check without an answer by then has failed; less than the interval"`
	Rise     int      `json:"rise" minimum:"1" maximum:"255" required:"false" default:"1" doc:"passes in a row that bring a server in"`
	Fall     int      `json:"fall" minimum:"1" maximum:"255" required:"false" default:"3" doc:"failures in a row that take a server out"`
	// OnlyWhenActive spares the real servers the checks of directors that do not need them.
	OnlyWhenActive bool `json:"only_when_active,omitzero" required:"false" doc:"checks run only while the service's address is active here; elsewhere servers stay what they last were, and one that was never checked counts as up; an address that belongs to no VRRP instance is always active; default false"`
	// FlapDamping makes a server that fails again and again stay out for longer.
	FlapDamping bool         `json:"flap_damping,omitzero" required:"false" doc:"a server that has failed more than 3 times in an hour takes twice as many passes in a row to come back for each time more, up to 32 times as many; default false"`
	TCP         *TCPCheck    `json:"tcp,omitzero" required:"false" doc:"a TCP connection is accepted, and answered as expected"`
	HTTP        *HTTPCheck   `json:"http,omitzero" required:"false" doc:"an HTTP request is answered as expected"`
	DNS         *DNSCheck    `json:"dns,omitzero" required:"false" doc:"a DNS question is answered as expected"`
	GRPC        *GRPCCheck   `json:"grpc,omitzero" required:"false" doc:"the server's gRPC health service says that it serves"`
	SMTP        *SMTPCheck   `json:"smtp,omitzero" required:"false" doc:"a mail server greets and answers EHLO"`
	UDP         *UDPCheck    `json:"udp,omitzero" required:"false" doc:"a datagram is answered as expected, or not refused"`
	Ping        *PingCheck   `json:"ping,omitzero" required:"false" doc:"an echo request is answered"`
	Script      *ScriptCheck `json:"script,omitzero" required:"false" doc:"a check script exits with 0"`
	// Of all kinds but script:
	Source       string `json:"source,omitempty" required:"false" doc:"address that packets come from, or network interface that they leave by; left out, the director's routes decide"`
	FirewallMark int64  `json:"firewall_mark,omitzero" minimum:"0" maximum:"4294967295" required:"false" doc:"mark that packets bear, for the director's firewall and routing rules; left out, or 0, they have none"`
}

// ScriptCheck runs a check script with the server's address and port in its environment.
type ScriptCheck struct {
	Name          string `json:"name" doc:"name of the check script"`
	DynamicWeight bool   `json:"dynamic_weight,omitzero" required:"false" default:"false" doc:"an exit status of 2 to 255 passes, too, and is the server's weight plus 2; 0 passes with the server's own weight, 1 fails"`
}

// Validate reports everything that is wrong with the values themselves.
func (v *ScriptCheck) Validate() FieldErrors {
	var errs FieldErrors
	if bad := ValidateName(v.Name); bad != nil {
		errs.add("/name", "%s", bad[0].Detail)
	}
	return errs
}

// DefaultHealthCheck returns a health check in which everything that has a default has it.
func DefaultHealthCheck() HealthCheck {
	interval := Duration(2 * time.Second)
	return HealthCheck{Interval: interval, Timeout: DefaultCheckTimeout(interval), Rise: 1, Fall: 3}
}

// DefaultCheckTimeout returns the timeout of health checks that come at an interval, where none is given: a second, or
// half the interval where that is no longer than a second.
func DefaultCheckTimeout(interval Duration) Duration {
	if usual := Duration(time.Second); usual < interval {
		return usual
	}
	return interval / 2
}

// UnmarshalJSONFrom fills in the defaults.
func (v *HealthCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain HealthCheck
	*v = DefaultHealthCheck()
	v.Timeout = unset
	if err := json.UnmarshalDecode(dec, (*plain)(v)); err != nil {
		return err
	}
	if v.Timeout == unset {
		v.Timeout = DefaultCheckTimeout(v.Interval)
	}
	return nil
}

// Validate reports everything that is wrong with the values themselves.
func (v *HealthCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.interval(v.Interval)
	switch {
	case v.Timeout <= 0:
		errs.add("/timeout", "%s is no time to answer in: use more than 0s", v.Timeout)
	case v.Timeout >= v.Interval:
		errs.add("/timeout", "%s is not shorter than the interval of %s: use less", v.Timeout, v.Interval)
	}
	errs.inARow(v.Rise, v.Fall)
	if v.kinds() == nil {
		errs.add("", "a health check names at least one of tcp, http, dns, grpc, smtp, udp, ping and script")
	}
	for _, kind := range v.kinds() {
		errs = append(errs, kind.validate().Under("/"+kind.name)...)
	}
	v.validateSocket(&errs)
	return errs
}

// validateSocket is about how packets leave.
func (v *HealthCheck) validateSocket(errs *FieldErrors) {
	if v.FirewallMark < 0 || v.FirewallMark > math.MaxUint32 {
		errs.add("/firewall_mark", "%d is out of range: use 1 to 4294967295, or leave it out", v.FirewallMark)
	}
	source, err := netip.ParseAddr(v.Source)
	switch {
	case v.Source == "":
	case err != nil && !isInterfaceName(v.Source):
		errs.add("/source", "%q is neither an address nor the name of a network interface: write 192.0.2.11 or eth1", v.Source)
	case err == nil:
		if bad := unicast(source); bad != "" {
			errs.add("/source", "%s", bad)
			break
		}
		for _, kind := range v.kinds() {
			errs.fromSource(source, kind.name, kind.address)
		}
	}
	if kinds := v.kinds(); len(kinds) == 1 && v.Script != nil {
		if v.Source != "" {
			errs.add("/source", "a script makes its own connections: leave it out, or name another kind, too")
		}
		if v.FirewallMark != 0 {
			errs.add("/firewall_mark", "a script makes its own connections: leave it out, or name another kind, too")
		}
	}
}

// fromSource reports an address that cannot be reached from a source of the other family.
func (e *FieldErrors) fromSource(source netip.Addr, kind string, to netip.Addr) {
	if to.IsValid() && FamilyOf(to) != FamilyOf(source) {
		e.add("/source", "from %s the health check %s cannot go to %s, which is %s: use a source of that family, or an interface", source, kind, to, FamilyOf(to))
	}
}

// kindCheck is one kind of check that a health check names.
type kindCheck struct {
	name     string // of the field
	validate func() FieldErrors
	address  netip.Addr // of its own, or the zero Addr
	port     *int       // of its own; nil is none
	// connects says that it goes to a port: its own, or the server's.
	connects bool
}

// kinds returns those that are named.
func (v *HealthCheck) kinds() []kindCheck {
	var named []kindCheck
	if c := v.TCP; c != nil {
		named = append(named, kindCheck{"tcp", c.Validate, c.Address, c.Port, true})
	}
	if c := v.HTTP; c != nil {
		named = append(named, kindCheck{"http", c.Validate, c.Address, c.Port, true})
	}
	if c := v.DNS; c != nil {
		named = append(named, kindCheck{"dns", c.Validate, c.Address, c.Port, true})
	}
	if c := v.GRPC; c != nil {
		named = append(named, kindCheck{"grpc", c.Validate, c.Address, c.Port, true})
	}
	if c := v.SMTP; c != nil {
		named = append(named, kindCheck{"smtp", c.Validate, c.Address, c.Port, true})
	}
	if c := v.UDP; c != nil {
		named = append(named, kindCheck{"udp", c.Validate, c.Address, c.Port, true})
	}
	if c := v.Ping; c != nil {
		named = append(named, kindCheck{name: "ping", validate: c.Validate, address: c.Address})
	}
	if c := v.Script; c != nil {
		named = append(named, kindCheck{name: "script", validate: c.Validate})
	}
	return named
}

// admit reports why a server cannot be checked so.
func (v *HealthCheck) admit(server netip.AddrPort) FieldErrors {
	var errs FieldErrors
	for _, kind := range v.kinds() {
		if kind.connects && kind.port == nil && server.Port() == 0 {
			errs.add("/port", "the health check %s goes to the server's port, and 0 is none: give the check a port, or use nat and a port", kind.name)
		}
		if source, err := netip.ParseAddr(v.Source); err == nil && kind.name != "script" && !kind.address.IsValid() {
			var problems FieldErrors
			problems.fromSource(source, kind.name, server.Addr())
			errs = append(errs, problems.Under("/health_check")...)
		}
	}
	return errs
}

// speaks reports a check that goes to the service's own port and speaks what the service cannot. TCP and HTTP are checked
// at UDP's ports, too: name servers answer at both, and HTTP/3 has HTTP/2 beside it.
func (v *VirtualServer) speaks(errs *FieldErrors, at string, check *HealthCheck) {
	if v.FirewallMark != 0 {
		return // it has many ports
	}
	only := map[string]Protocol{"smtp": TCP, "grpc": TCP, "udp": UDP}
	for _, kind := range check.kinds() {
		if speaks, limited := only[kind.name]; limited && kind.port == nil && v.Protocol != speaks && slices.Contains(Protocols(), string(v.Protocol)) {
			errs.add(at, "the health check %s speaks %s, and the service's port is %s: give the check a port of its own, or use another kind", kind.name, speaks, v.Protocol)
		}
	}
}

// aim reports what is wrong with the address and port of its own that a probe may have.
func (e *FieldErrors) aim(address netip.Addr, port *int) {
	if address.IsValid() {
		if bad := unicast(address); bad != "" {
			e.add("/address", "%s", bad)
		}
	}
	if port != nil {
		e.within("/port", *port, 1, 65535)
	}
}
