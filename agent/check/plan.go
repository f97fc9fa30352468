package check

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// id names a target: a real server, or a check script that is run for itself.
type id struct {
	server spec.ServerKey
	script string // "" for a real server
}

// compare puts scripts first, because the election waits for them.
func (i id) compare(other id) int {
	if (i.script == "") != (other.script == "") {
		return strings.Compare(other.script, i.script)
	}
	return cmp.Or(
		strings.Compare(i.script, other.script),
		strings.Compare(i.server.VirtualServer, other.server.VirtualServer),
		i.server.Address.Compare(other.server.Address),
	)
}

// plan is how a target is checked. A nil plan is a real server that nobody asked to check: it passes.
type plan struct {
	subject    subject
	rise, fall int
	damped     bool // takes more passes to come back while it flaps
	// only is the virtual address that has to be in service here for it to be checked; invalid is always.
	only  netip.Addr
	round round
}

// round is what a round of checks does. What it points at is not written to.
type round struct {
	interval, timeout time.Duration
	server            *ServerCheck     // or
	script            spec.CheckScript // whose rhythm is the round's
}

// subject tells rounds apart: equal ones need to be done only once.
type subject struct {
	server  netip.AddrPort // of no script that is run for itself
	service string         // name of the virtual server, for a script that is told it
	how     string         // the rest of it, in a canonical form
}

// how returns what is done in canonical form, without where.
func (r round) how() string {
	what := struct {
		Interval, Timeout spec.Duration
		Server            *ServerCheck
		Command           []string
		Content           string
	}{spec.Duration(r.interval), spec.Duration(r.timeout), nil, r.script.Command, r.script.Content}
	if r.server != nil {
		kinds := *r.server
		kinds.Server = spec.ServerKey{}
		what.Server = &kinds
	}
	text, err := spec.EncodeWithSecrets(what)
	if err != nil { // text that is not valid, which no request can bring
		return fmt.Sprintf("%p: %v", r.server, err)
	}
	return string(text)
}

func (r round) subject(how string) subject {
	s := subject{how: how}
	if r.server != nil {
		s.server = r.server.Server.Address
		if r.server.Script != nil {
			s.service = r.server.Server.VirtualServer
		}
	}
	return s
}

// probe does one round, for which there is time until the context's deadline.
func (r round) probe(ctx context.Context, prober Prober) error {
	if r.server != nil {
		return prober.Server(ctx, *r.server)
	}
	return prober.Script(ctx, r.script)
}

// counter returns a counter that goes by the plan.
func (p *plan) counter(before counter) counter {
	return before.redefined(p.rise, p.fall, p.round.server == nil)
}

func (p *plan) equal(other *plan) bool {
	if p == nil || other == nil {
		return p == other
	}
	return p.subject == other.subject && p.rise == other.rise && p.fall == other.fall && p.damped == other.damped && p.only == other.only
}

// with returns the plan with another check of the server.
func (p *plan) with(check ServerCheck) *plan {
	other := *p
	other.round.server = &check
	other.subject = other.round.subject(other.round.how())
	return &other
}

// lostScript reports whether the plan became next by nothing but the deletion of the script that its
// health check names.
func (p *plan) lostScript(next *plan) bool {
	if p == nil || next == nil || p.round.server == nil || next.round.server == nil ||
		p.round.server.Script == nil || next.round.server.Script == nil ||
		p.round.server.Script.missing() || !next.round.server.Script.missing() {
		return false
	}
	lost := *p.round.server
	lost.Script = &ServerScript{Name: lost.Script.Name, DynamicWeight: lost.Script.DynamicWeight}
	return p.with(lost).equal(next)
}

// withoutScript returns what is left of a health check to probe without its script; nil is nothing.
func (p *plan) withoutScript() *plan {
	server := *p.round.server
	server.Script = nil
	if server == (ServerCheck{Server: server.Server, Source: server.Source, FirewallMark: server.FirewallMark}) {
		return nil
	}
	return p.with(server)
}

// planner makes plans of what is desired at one time.
type planner struct {
	scripts map[string]spec.CheckScript
	// worded are the canonical forms of health checks, of which most servers have their service's.
	worded map[*spec.HealthCheck]string
}

func newPlanner(d spec.Desired) planner {
	return planner{scripts: d.CheckScripts, worded: map[*spec.HealthCheck]string{}}
}

// server returns how a server of a service is checked.
func (p planner) server(key spec.ServerKey, service spec.VirtualServer, server spec.RealServer) *plan {
	v := service.Resolve(server).HealthCheck
	if v == nil {
		return nil
	}
	var only netip.Addr
	if v.OnlyWhenActive {
		only = service.Address
	}
	check := &ServerCheck{
		Server: key, TCP: v.TCP, HTTP: v.HTTP, DNS: v.DNS, GRPC: v.GRPC, SMTP: v.SMTP, UDP: v.UDP, Ping: v.Ping,
		Source: v.Source, FirewallMark: v.FirewallMark,
	}
	if v.Script != nil {
		script := p.scripts[v.Script.Name]
		check.Script = &ServerScript{Name: v.Script.Name, Command: script.Command, Content: script.Content, DynamicWeight: v.Script.DynamicWeight}
	}
	r := round{interval: v.Interval.Std(), timeout: v.Timeout.Std(), server: check}
	how, known := p.worded[v]
	if !known {
		how = r.how()
		p.worded[v] = how
	}
	return &plan{subject: r.subject(how), rise: v.Rise, fall: v.Fall, damped: v.FlapDamping, only: only, round: r}
}

// script returns how a script is run for itself.
func (p planner) script(name string) *plan {
	v := p.scripts[name]
	r := round{interval: v.Interval.Std(), timeout: v.Timeout.Std(), script: v}
	return &plan{subject: r.subject(r.how()), rise: v.Rise, fall: v.Fall, round: r}
}

// tracked reports whether an instance's priority depends on a script.
func tracked(d spec.Desired, script string) bool {
	for _, instance := range d.VRRPInstances {
		if _, ok := instance.TrackScripts[script]; ok {
			return true
		}
	}
	return false
}
