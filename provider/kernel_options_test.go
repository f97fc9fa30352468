package provider

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// marked is a service by firewall mark with one server.
const marked = `
resource "lvs_virtual_server" "test" {
  name              = "web"
  firewall_mark     = 5
  family            = "ipv4"
  forwarding_method = "dr"
}
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.21"
  port           = 0
}`

func TestKernelOptionsThatDoNotGoTogetherAreErrorsAtPlanAtTheirAttribute(t *testing.T) {
	t.Parallel()
	with := func(config, more string) string {
		return strings.Replace(config, "forwarding_method", more+"\n  forwarding_method", 1)
	}
	tunnelled := strings.Replace(servedPair, `"dr"`, `"tunnel"`, 1)
	for name, test := range map[string]struct{ config, line, want string }{
		"mark and address":     {with(servedPair, `firewall_mark = 5`), "firewall_mark", "a service has a firewall mark or an address, not both"},
		"mark and port":        {with(marked, `port = 80`), "port", "leave the port out"},
		"mark without family":  {strings.Replace(marked, `"ipv4"`, `null`, 1), "family", "a value is needed: one of ipv4, ipv6"},
		"mark out of range":    {strings.Replace(marked, `= 5`, `= 4294967296`, 1), "firewall_mark", "use 1 to 4294967295"},
		"neither":              {strings.Replace(marked, `= 5`, `= null`, 1), "address", "an address is needed, or a firewall mark"},
		"family of an address": {with(servedPair, `family = "ipv4"`), "family", "an address says its family"},
		"every port":           {strings.Replace(servedPair, `= 80`, `= 0`, 1), "port", "goes with persistence alone"},
		"flags of another":     {with(servedPair, `scheduler_flags = ["mh-port"]`), "scheduler_flags", `is no flag of scheduler "wlc"`},
		"persistence":          {with(servedPair, `persistence = { timeout = "0s" }`), "persistence", "0s is out of range: use 1s to 744h"},
		"prefix length":        {with(servedPair, `persistence = { prefix_length = 33 }`), "persistence", "33 is out of range: use 1 to 32"},
		"engine over TCP":      {with(servedPair, `persistence = { engine = "sip" }`), "persistence", "sip reads UDP packets alone"},
		"one packet of TCP":    {with(servedPair, `one_packet = true`), "one_packet", "use it with udp, or a firewall mark"},
		"tunnel without one":   {with(servedPair, `tunnel = {}`), "tunnel", `forwarding_method "dr" has no tunnel`},
		"GUE without port":     {with(tunnelled, `tunnel = { type = "gue" }`), "tunnel", "gue needs the UDP port"},
		"port without GUE":     {with(tunnelled, `tunnel = { port = 6080 }`), "tunnel", "ipip has no port"},
		"checksum of IPIP":     {with(tunnelled, `tunnel = { checksum = "checksum" }`), "tunnel", "ipip has no checksum"},
		"server's method":      {servedPair[:len(servedPair)-1] + "  forwarding_method = \"masq\"\n}", "forwarding_method", `"masq" is not known`},
		"server's thresholds":  {servedPair[:len(servedPair)-1] + "  upper_threshold = 5\n  lower_threshold = 5\n}", "lower_threshold", "5 is not below the upper threshold of 5"},
		"server's tunnel":      {servedPair[:len(servedPair)-1] + "  tunnel = {}\n}", "tunnel", `forwarding_method "dr" has no tunnel`},
		"server's port":        {strings.Replace(marked, "= 0", "= 80", 1), "port", "keeps the port, whichever it is, with a firewall mark: use 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			run(t, resource.TestStep{Config: providerBlock(directors) + test.config, PlanOnly: true, ExpectError: saying(test.want)})
			run(t, resource.TestStep{Config: providerBlock(directors) + test.config, PlanOnly: true, ExpectError: saying(test.line)})
		})
	}
}

func TestKernelOptionsComeAndGo(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	server := `
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.21"
`
	has := func(service func(*spec.VirtualServer), key string, change func(*spec.RealServer)) func() {
		want, wantServer := spec.DefaultVirtualServer(), spec.DefaultRealServer()
		want.Address, want.Port, want.Protocol, want.ForwardingMethod = addressOf("192.0.2.100"), 5060, spec.UDP, spec.DirectRouting
		service(&want)
		change(&wantServer)
		return func() {
			for name, d := range directors {
				desired := d.store.Desired()
				if diff := cmp.Diff(want, desired.VirtualServers["sip"], cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
					t.Errorf("%s: service (-want +got):\n%s", name, diff)
				}
				if diff := cmp.Diff(wantServer, desired.RealServers["sip"][addressPortOf(key)]); diff != "" {
					t.Errorf("%s: server (-want +got):\n%s", name, diff)
				}
			}
		}
	}
	var steps []resource.TestStep
	for _, test := range []struct {
		service, server string
		check           func()
	}{
		{`
  address           = "192.0.2.100"
  port              = 5060
  forwarding_method = "dr"
  scheduler         = "mh"
  scheduler_flags   = ["mh-port", "mh-fallback"]
  persistence       = { timeout = "1m0s", prefix_length = 24, engine = "sip" }
  one_packet        = true`, `
  port              = 5060
  forwarding_method = "tunnel"
  tunnel            = { type = "gue", port = 6080, checksum = "checksum" }
  upper_threshold   = 100
  lower_threshold   = 50`,
			has(func(v *spec.VirtualServer) {
				v.Scheduler, v.SchedulerFlags, v.OnePacket = "mh", []string{"mh-fallback", "mh-port"}, true
				v.Persistence = &spec.Persistence{Timeout: spec.Duration(60e9), PrefixLength: 24, Engine: "sip"}
			}, "192.0.2.21:5060", func(v *spec.RealServer) {
				v.ForwardingMethod, v.Tunnel = spec.Tunnel, &spec.TunnelOptions{Type: spec.GUE, Port: 6080, Checksum: spec.Checksum}
				v.UpperThreshold, v.LowerThreshold = 100, 50
			})},
		{`
  address           = "192.0.2.100"
  port              = 5060
  forwarding_method = "dr"`, `
  port              = 5060`,
			has(func(*spec.VirtualServer) {}, "192.0.2.21:5060", func(*spec.RealServer) {})},
		{`
  address           = "192.0.2.100"
  port              = 0
  forwarding_method = "tunnel"
  tunnel            = { type = "gre" }
  scheduler_flags   = []
  persistence       = {}`, `
  port              = 0`,
			has(func(v *spec.VirtualServer) {
				v.Port, v.ForwardingMethod, v.Tunnel = 0, spec.Tunnel, &spec.TunnelOptions{Type: spec.GRE, Checksum: spec.NoChecksum}
				v.Persistence = &spec.Persistence{Timeout: spec.Duration(300e9)}
			}, "192.0.2.21:0", func(*spec.RealServer) {})},
		{`
  firewall_mark     = 7
  family            = "ipv4"
  forwarding_method = "dr"`, `
  port              = 0`,
			has(func(v *spec.VirtualServer) {
				v.Address, v.Port, v.FirewallMark, v.Family = netip.Addr{}, 0, 7, spec.IPv4
			}, "192.0.2.21:0", func(*spec.RealServer) {})},
	} {
		config := block + "resource \"lvs_virtual_server\" \"test\" {\n  name = \"sip\"\n  protocol = \"udp\"" + test.service + "\n}" + server + test.server + "\n}"
		steps = append(steps,
			resource.TestStep{Config: config},
			resource.TestStep{PreConfig: test.check, Config: config, ConfigPlanChecks: noChanges()},
			resource.TestStep{
				Config: config, ResourceName: "lvs_virtual_server.test", ImportState: true, ImportStateId: "sip",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name", ImportStateVerifyIgnore: []string{"port"},
			})
	}
	run(t, steps...)
}

func TestKernelOptionsThatAreNotKnownYetAreNoError(t *testing.T) {
	t.Parallel()
	run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1")) + `
resource "terraform_data" "late" {
  input = {
    mark = 5, family = "ipv4", protocol = "udp", scheduler = "sh", method = "tunnel", type = "gue", port = 6080, upper = 10
    persistence = { timeout = "60s", prefix_length = 24, engine = null }
  }
}
locals {
  late = terraform_data.late.output
}
resource "lvs_virtual_server" "marked" {
  name              = "marked"
  firewall_mark     = local.late.mark
  family            = local.late.family
  forwarding_method = "dr"
}
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 53
  protocol          = local.late.protocol
  scheduler         = local.late.scheduler
  scheduler_flags   = ["sh-port"]
  one_packet        = true
  forwarding_method = local.late.method
  tunnel            = { type = local.late.type, port = local.late.port, checksum = "remote_checksum" }
}
resource "lvs_virtual_server" "all" {
  name              = "all"
  address           = "192.0.2.100"
  port              = 0
  persistence       = local.late.persistence
  forwarding_method = "dr"
}
resource "lvs_real_server" "test" {
  virtual_server    = lvs_virtual_server.test.name
  address           = "192.0.2.21"
  port              = 53
  forwarding_method = local.late.method
  tunnel            = { type = local.late.type, port = 6080 }
  upper_threshold   = local.late.upper
  lower_threshold   = 5
}`})
}
