package check

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// id names a target: a real server, or a check script that is run for itself.
type id struct {
	server spec.ServerKey
	script string // "" for a real server
}

// String returns the import id of what is checked.
func (i id) String() string {
	if i.script != "" {
		return i.script
	}
	return i.server.String()
}

// compare puts scripts first, because the election waits for them.
func (i id) compare(other id) int {
	if (i.script == "") != (other.script == "") {
		return strings.Compare(other.script, i.script)
	}
	return strings.Compare(i.String(), other.String())
}

// plan is how a target is checked. A nil plan is a real server that nobody asked to check: it passes.
type plan struct {
	interval, timeout time.Duration
	rise, fall        int
	server            *ServerCheck // or
	command           []string
}

// counter returns a counter that goes by the plan.
func (p *plan) counter(before counter) counter {
	return before.redefined(p.rise, p.fall, p.server == nil)
}

// probe runs one round.
func (p *plan) probe(ctx context.Context, prober Prober) error {
	ctx, cancel := withTimeout(ctx, p.timeout)
	defer cancel()
	if p.server != nil {
		return prober.Server(ctx, *p.server)
	}
	return prober.Script(ctx, p.command)
}

func (p *plan) equal(other *plan) bool { return reflect.DeepEqual(p, other) }

// lostScript reports whether the plan became next by nothing but the deletion of the script that its
// health check names.
func (p *plan) lostScript(next *plan) bool {
	if p == nil || next == nil || p.server == nil || next.server == nil ||
		p.server.Script == nil || next.server.Script == nil ||
		len(p.server.Script.Command) == 0 || len(next.server.Script.Command) != 0 {
		return false
	}
	before := *p
	server := *p.server
	server.Script = &ServerScript{Name: p.server.Script.Name}
	before.server = &server
	return before.equal(next)
}

// withoutScript returns what is left of a health check to probe without its script; nil is nothing.
func (p *plan) withoutScript() *plan {
	rest, server := *p, *p.server
	server.Script = nil
	rest.server = &server
	if server.TCP == nil && server.HTTP == nil {
		return nil
	}
	return &rest
}

// plans returns everything that is to be checked.
func plans(d spec.Desired) map[id]*plan {
	all := make(map[id]*plan, d.RealServers.Count()+len(d.CheckScripts))
	for key, server := range d.RealServers.All() {
		service, ok := d.VirtualServers[key.VirtualServer]
		if !ok {
			continue
		}
		all[id{server: key}] = serverPlan(key, service.Resolve(server).HealthCheck, d.CheckScripts)
	}
	for name, v := range d.CheckScripts {
		all[id{script: name}] = &plan{
			interval: v.Interval.Std(), timeout: v.Timeout.Std(), rise: v.Rise, fall: v.Fall,
			command: slices.Clone(v.Command),
		}
	}
	return all
}

func serverPlan(key spec.ServerKey, v *spec.HealthCheck, scripts map[string]spec.CheckScript) *plan {
	if v == nil {
		return nil
	}
	p := &plan{
		interval: v.Interval.Std(), timeout: v.Timeout.Std(), rise: v.Rise, fall: v.Fall,
		server: &ServerCheck{Server: key, TCP: v.TCP, HTTP: v.HTTP},
	}
	if v.Script != nil {
		p.server.Script = &ServerScript{Name: v.Script.Name, Command: scripts[v.Script.Name].Command}
	}
	return p
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
