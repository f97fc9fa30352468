package balance

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// byScript is a service whose check script says the weights of its servers.
func byScript(d spec.Desired) spec.Desired {
	return with(d, func(v *spec.VirtualServer) {
		check := spec.DefaultHealthCheck()
		check.Script = &spec.ScriptCheck{Name: "load", DynamicWeight: true}
		v.HealthCheck = &check
	})
}

func TestWeightIsWhatTheCheckScriptSays(t *testing.T) {
	onDirector(t, Report, func(t *testing.T, d *director) {
		d.Set(with(byScript(web(a, 3, b, 1)), func(v *spec.VirtualServer) { v.Quorum.Weight = 10 }))
		d.health.set(a, Up)
		d.health.set(b, Up)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1")
		d.health.weigh(a, 10)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 10", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1")
		services, _, drift := d.Status(t.Context())
		if got := services["web"]; got.LiveWeight != 11 || got.State != spec.ServiceUp || got.RealServers[a].Weight != 10 || len(drift) != 0 {
			t.Errorf("%+v, drift %v", got, drift)
		}
		d.health.weigh(a, 0)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1")
		if services, _, _ := d.Status(t.Context()); services["web"].State != spec.ServiceDown {
			t.Errorf("%+v", services["web"])
		}
	})
}

// Where weight 0 does not keep clients away, as for a server that drains.
func TestWeight0OfAScriptKeepsClientsAway(t *testing.T) {
	for scheduler, want := range map[string][]string{
		"sh": {"-A -t 192.0.2.100:80 -s sh -b sh-fallback", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1"},
		"dh": {"-A -t 192.0.2.100:80 -s dh", "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1"},
	} {
		t.Run(scheduler, func(t *testing.T) {
			onDirector(t, Repair, func(_ *testing.T, d *director) {
				d.health.set(a, Up)
				d.health.set(b, Up)
				d.health.weigh(a, 0)
				d.Set(with(byScript(web(a, 3, b, 1)), func(v *spec.VirtualServer) { v.Scheduler = scheduler }))
				d.wants(want...)
			})
		})
	}
}

// An agent that starts does not know yet what the scripts will say.
func TestRestartKeepsTheWeightUntilTheScriptSaysAnother(t *testing.T) {
	onDirector(t, Repair, func(_ *testing.T, d *director) {
		d.Set(byScript(web(a, 3)))
		d.health.set(a, Up)
		d.health.weigh(a, 10)
		d.Trigger()
		weight10 := []string{"-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 10"}
		d.wants(weight10...)
		*d.health = verdicts{says: map[string]Verdict{}}
		d.restart(Repair)
		d.Set(byScript(web(a, 3)))
		d.wants(weight10...)
		d.health.set(a, Up)
		d.Trigger()
		d.wants("-A -t 192.0.2.100:80 -s wrr", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3")
	})
}
