package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// shows checks a value of a data source; the path is written with slashes, and one that is in a name with "!".
func shows(address, path string, want knownvalue.Check) statecheck.StateCheck {
	steps := strings.Split(path, "/")
	at := tfjsonpath.New(steps[0])
	for _, step := range steps[1:] {
		at = at.AtMapKey(strings.ReplaceAll(step, "!", "/"))
	}
	return statecheck.ExpectKnownValue(address, at, want)
}

func TestDirectorsAreRead(t *testing.T) {
	t.Parallel()
	_, _, block := agents(t)
	const data = `
data "lvs_director" "d2" { name = "d2" }
data "lvs_directors" "all" {}
`
	text, yes := knownvalue.StringExact, knownvalue.Bool(true)
	run(t,
		resource.TestStep{Config: block + data, ConfigStateChecks: []statecheck.StateCheck{
			shows("data.lvs_director.d2", "reachable", yes),
			shows("data.lvs_director.d2", "version", text("test")),
			shows("data.lvs_director.d2", "dataplane", text("memory")),
			shows("data.lvs_director.d2", "ipvs/available", yes),
			shows("data.lvs_director.d2", "drift", knownvalue.ListSizeExact(0)),
			shows("data.lvs_director.d2", "ipvs/foreign_services", knownvalue.ListSizeExact(0)),
			shows("data.lvs_directors.all", "directors", knownvalue.MapSizeExact(2)),
			shows("data.lvs_directors.all", "directors/d1/version", text("test")),
		}},
		resource.TestStep{Config: block + `data "lvs_director" "it" { name = "d9" }`, ExpectError: saying(`"d9" is not a director of the provider: use one of d1 and d2`)},
	)
}

func TestDirectorThatIsDownIsShownAsSuchWhereThatIsAWarning(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d1"].setDrift(spec.Drift{Kind: spec.KindRealServer, Name: "web", Server: "192.0.2.21:80", Field: "weight", Actual: "9", Want: "1"})
	directors["d2"].setFault(down)
	const data = `
data "lvs_directors" "all" {}
`
	run(t,
		resource.TestStep{Config: providerBlock(directors) + data, ExpectError: saying(`set on_unreachable = "warn" in the provider`)},
		resource.TestStep{Config: providerBlock(directors, `on_unreachable = "warn"`) + data, ConfigStateChecks: []statecheck.StateCheck{
			shows("data.lvs_directors.all", "directors/d1/reachable", knownvalue.Bool(true)),
			shows("data.lvs_directors.all", "directors/d1/drift", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
				"kind": knownvalue.StringExact("real_server"), "name": knownvalue.StringExact("web"), "server": knownvalue.StringExact("192.0.2.21:80"),
				"field": knownvalue.StringExact("weight"), "actual": knownvalue.StringExact("9"), "want": knownvalue.StringExact("1"),
			})})),
			shows("data.lvs_directors.all", "directors/d2/reachable", knownvalue.Bool(false)),
			shows("data.lvs_directors.all", "directors/d2/version", knownvalue.Null()),
		}},
	)
}

func TestActiveDirectorIsRead(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2", "d3")
	active(directors, "d2")
	config := wholeInstance(map[string]*testDirector{"d1": directors["d1"], "d2": directors["d2"]}, "") + `
data "lvs_vrrp_instance" "web" { name = lvs_vrrp_instance.test.name }
`
	const address = "data.lvs_vrrp_instance.web"
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{
			shows(address, "active_director", knownvalue.StringExact("d2")),
			shows(address, "directors", knownvalue.MapSizeExact(2)),
			shows(address, "directors/d1/state", knownvalue.StringExact("backup")),
			shows(address, "directors/d1/priority", knownvalue.Int64Exact(255)),
			shows(address, "directors/d2/state", knownvalue.StringExact("active")),
			shows(address, "directors/d2/reason", knownvalue.Null()),
		}},
		resource.TestStep{
			PreConfig: func() { directors["d1"].setState("web", spec.InstanceActive) }, Config: config,
			ConfigStateChecks: []statecheck.StateCheck{shows(address, "active_director", knownvalue.Null())},
		},
		resource.TestStep{Config: config + `data "lvs_vrrp_instance" "no" { name = "no" }`, ExpectError: saying(`no director that answers has a VRRP Instance "no"`)},
	)
}

func TestHealthOfServersIsRead(t *testing.T) {
	t.Parallel()
	_, _, block := agents(t)
	const address = "data.lvs_virtual_server.web"
	run(t, resource.TestStep{
		Config: block + everything + `
data "lvs_virtual_server" "web" {
  name       = lvs_virtual_server.web.name
  depends_on = [lvs_real_server.web]
}
`, ConfigStateChecks: []statecheck.StateCheck{
			shows(address, "directors", knownvalue.MapSizeExact(2)),
			shows(address, "directors/d1/connections", knownvalue.Int64Exact(0)),
			shows(address, "directors/d1/real_servers", knownvalue.MapSizeExact(2)),
			shows(address, "directors/d2/real_servers/192.0.2.22:80/active_connections", knownvalue.Int64Exact(0)),
		},
	}, resource.TestStep{Config: block + `data "lvs_virtual_server" "no" { name = "no" }`, ExpectError: saying(`no director that answers has a Virtual Server "no"`)})
}

func TestTableOfTheKernelIsReadWithWhatOthersPutThere(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d1"].setForeign(map[string]spec.KernelService{
		"fwmark/5/ipv6": {
			Scheduler: "sh", SchedulerFlags: []string{"sh-port"}, Persistence: &spec.Persistence{Timeout: spec.Duration(time.Minute), PrefixLength: 64},
			Destinations: map[string]spec.KernelDestination{"[2001:db8::1]:0": {
				ForwardingMethod: "tunnel", Tunnel: &spec.TunnelOptions{Type: spec.GRE}, Weight: 3, ActiveConnections: 4,
			}},
		},
		"tcp/192.0.2.100:80": {VirtualServer: "web", Scheduler: "wlc"},
	})
	const address, mark = "data.lvs_ipvs_table.all", "directors/d1/services/fwmark!5!ipv6/"
	text := knownvalue.StringExact
	const data = `
data "lvs_ipvs_table" "all" {}
`
	run(t, resource.TestStep{Config: providerBlock(directors) + data, ConfigStateChecks: []statecheck.StateCheck{
		shows(address, "directors/d2/services", knownvalue.MapSizeExact(0)),
		shows(address, "directors/d1/services/tcp!192.0.2.100:80/virtual_server", text("web")),
		shows(address, mark+"virtual_server", knownvalue.Null()),
		shows(address, mark+"scheduler_flags", knownvalue.ListExact([]knownvalue.Check{text("sh-port")})),
		shows(address, mark+"persistence/timeout", text("1m0s")),
		shows(address, mark+"persistence/engine", knownvalue.Null()),
		shows(address, mark+"destinations/[2001:db8::1]:0/tunnel", text("gre")),
		shows(address, mark+"destinations/[2001:db8::1]:0/weight", knownvalue.Int64Exact(3)),
	}}, resource.TestStep{
		PreConfig: func() { directors["d2"].setFault(withoutIPVS) }, Config: providerBlock(directors) + data,
		ExpectError: saying("this kernel has no IPVS"),
	})
}

// withoutIPVS answers as a director does whose kernel has none.
func withoutIPVS(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"detail":"read the IPVS table: this kernel has no IPVS: load its module (modprobe ip_vs)"}`)) // the client may be gone
	return true
}
