package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// What is wrong is replaced, one thing at a time, in these.
const (
	goodInstance = `resource "lvs_vrrp_instance" "test" {
  name                   = "web"
  virtual_router_id      = 51
  interface              = "eth0"
  advertisement_interval = "1s"
  virtual_addresses      = ["192.0.2.100/24"]
  members                = { d1 = { priority = 150 }, d2 = { priority = 100 } }
  track_scripts          = { gateway = { weight = -60 } }
}`
	goodService = `resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  protocol          = "tcp"
  scheduler         = "wrr"
  forwarding_method = "dr"
  health_check = {
    interval = "2s"
    timeout  = "1s"
    rise     = 1
    fall     = 3
    http     = { path = "/healthz", expected_status = ["200-299"] }
    script   = { name = "gateway" }
  }
}`
	goodServer = `resource "lvs_real_server" "test" {
  virtual_server = "web"
  address        = "192.0.2.21"
  port           = 80
  weight         = 1
}`
	goodScript = `resource "lvs_check_script" "test" {
  name     = "gateway"
  command  = ["/scripts/ping"]
  interval = "2s"
  timeout  = "1s"
  rise     = 1
  fall     = 1
}`
)

func TestBadInputIsAnErrorAtPlanAtItsAttribute(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ config, good, bad, line, want string }{
		{goodInstance, `"web"`, `"Web!"`, "name", `"Web!" is not a name`},
		{goodInstance, `51`, `256`, "virtual_router_id", "256 is out of range: use 1 to 255"},
		{goodInstance, `51`, `0`, "virtual_router_id", "0 is out of range: use 1 to 255"},
		{goodInstance, `priority = 150`, `priority = 256`, "members", "On d1: members[\"d1\"].priority: 256 is out of range: use 1 to 255"},
		{goodInstance, `"1s"`, `"1s"
  preempt = false
  preempt_delay = "5s"`, "preempt_delay", "preempt is false, so there is nothing to delay"},
		{goodInstance, `"1s"`, `"1s"
  preempt_delay = "1h"`, "preempt_delay", "1h0m0s is out of range: use 0s to 16m40s"},
		{goodInstance, `"eth0"`, `"eth 0"`, "interface", `"eth 0" is not the name of a network interface`},
		{goodInstance, `"eth0"`, `null`, "interface", "an interface is needed"},
		{goodInstance, `"1s"`, `"1s500"`, "advertisement_interval", "time: missing unit in duration"},
		{goodInstance, `"1s"`, `"41s"`, "advertisement_interval", "41s is out of range: use 10ms to 40.95s"},
		{goodInstance, `"1s"`, `"15ms"`, "advertisement_interval", "15ms is not a multiple of 10ms"},
		{goodInstance, `["192.0.2.100/24"]`, `[]`, "virtual_addresses", "at least one virtual address is needed"},
		{goodInstance, `"192.0.2.100/24"`, `"192.0.2.100"`, "virtual_addresses", `"192.0.2.100" is not an address with a prefix length: write 192.0.2.100/24`},
		{goodInstance, `"192.0.2.100/24"`, `"192.0.2.300/24"`, "virtual_addresses", "is not an address with a prefix length"},
		{goodInstance, `"192.0.2.100/24"`, `"192.0.2.100/24", "192.0.2.100/32"`, "virtual_addresses", "stands in the list twice"},
		{goodInstance, `"192.0.2.100/24"`, `"224.0.0.18/24"`, "virtual_addresses", "use a unicast address"},
		{goodInstance, `-60`, `-254`, "track_scripts", "-254 is out of range: use -253 to 253"},
		{goodInstance, `members  `, `priority = 100
  members  `, "members", "a priority at the top is for one director"},
		{goodInstance, `members                = { d1 = { priority = 150 }, d2 = { priority = 100 } }`, ``, "", "each that takes part needs its priority"},
		{goodInstance, `{ d1 = { priority = 150 }, d2 = { priority = 100 } }`, `{}`, "members", "name the directors that take part"},

		{goodSettings, `"eth1"`, `"eth/1"`, "connection_sync", `connection_sync.interface: "eth/1" is not the name of a network interface`},
		{goodSettings, `"eth2"`, `"eth/2"`, "connection_sync", `On d2: connection_sync.interfaces["d2"]: "eth/2" is not the name of a network interface`},
		{goodSettings, `d2 = "eth2"`, `d9 = "eth2"`, "connection_sync", `"d9" is not a director of the provider: use one of d1, d2`},
		{goodSettings, `"web"`, `"We b"`, "connection_sync", `"We b" is not a name`},
		{goodSettings, `= 7`, `= 256`, "connection_sync", "256 is out of range: use 0 to 255"},
		{goodSettings, `= 7`, "= 7\n    group = \"192.0.2.1\"", "connection_sync", "192.0.2.1 is not a multicast address"},
		{goodSettings, `= 7`, "= 7\n    port = 0", "connection_sync", "0 is out of range: use 1 to 65535"},
		{goodSettings, `= 7`, "= 7\n    ttl = 256", "connection_sync", "256 is out of range: use 1 to 255"},
		{goodSettings, `1400`, `1000`, "connection_sync", "1000 is out of range: use 1024 to 65487"},
		{goodSettings, `"3600s"`, `"500ms"`, "timeouts", "timeouts.tcp: 500ms is out of range: use 1s to 576h0m0s"},
		{goodSettings, `"3600s"`, `"1500ms"`, "timeouts", "timeouts.tcp: 1.5s is not a number of whole seconds"},
		{goodSettings, `"3600s"`, `"soon"`, "timeouts", "invalid duration"},
		{goodSettings, `conntrack = false`, `conn_reuse_mode = 4`, "sysctls", "sysctls.conn_reuse_mode: 4 is out of range: use 0 to 3"},

		{goodService, `"192.0.2.100"`, `"192.0.2.100/24"`, "address", "Invalid IP Address"},
		{goodService, `"192.0.2.100"`, `"0.0.0.0"`, "address", "use a unicast address"},
		{goodService, `80`, `0`, "port", "0 is out of range: use 1 to 65535"},
		{goodService, `80`, `65536`, "port", "65536 is out of range: use 1 to 65535"},
		{goodService, `80`, `80.5`, "port", "is not an integer"},
		{goodService, `"tcp"`, `"icmp"`, "protocol", `"icmp" is not known: use one of tcp, udp, sctp`},
		{goodService, `"wrr"`, `"wrrr"`, "scheduler", `"wrrr" is not known: use one of rr, wrr`},
		{goodService, `"dr"`, `"masq"`, "forwarding_method", `"masq" is not known: use one of nat, dr, tunnel`},
		{goodService, `"1s"`, `"3s"`, "timeout", "3s is not shorter than the interval of 2s"},
		{goodService, `"1s"`, `"soon"`, "timeout", "invalid duration"},
		{goodService, `rise     = 1`, `rise = 0`, "rise", "0 is out of range: use 1 to 255"},
		{goodService, `fall     = 3`, `fall = 256`, "fall", "256 is out of range: use 1 to 255"},
		{goodService, `fall     = 3`, `only_when_active = "sometimes"`, "only_when_active", "a bool is required"},
		{goodService, `"/healthz"`, `"healthz"`, "http", "is not a path: begin with '/'"},
		{goodService, `"200-299"`, `"200-999"`, "http", "is not a range of status codes"},
		{goodService, `"200-299"]`, `"200-299"], port = 0`, "http", "0 is out of range: use 1 to 65535"},
		{goodService, `"200-299"]`, `"200-299"], method = "get"`, "http", `"get" is not known: use one of GET, HEAD`},
		{goodService, `"200-299"]`, `"200-299"], expected_match = "a("`, "http", "missing closing )"},
		{goodService, `"200-299"]`, `"200-299"], headers = { Host = "a" }`, "http", "the Host header has a field of its own: use host"},
		{goodService, `"200-299"]`, `"200-299"], tls = { ca_cert_pem = "ca" }`, "http", "there is no certificate in it"},
		{goodService, `"200-299"`, `"ok"`, "http", "is not a range of status codes"},
		{goodService, `http     = { path = "/healthz", expected_status = ["200-299"] }
    script   = { name = "gateway" }`, ``, "health_check", "names at least one of tcp, http, dns, grpc, smtp, udp, ping and script"},
		{goodService, `"gateway"`, `"../x"`, "script", `"../x" is not a name`},
		{goodService, `"dr"`, `"dr"
  quorum = { weight = 0 }`, "quorum", "quorum.weight: 0 is out of range: use 1 to 2147483647"},
		{goodService, `"dr"`, `"dr"
  quorum = { weight = 2, hysteresis = 2 }`, "quorum", "quorum.hysteresis: 2 is not less than the quorum's weight of 2"},
		{goodService, `"dr"`, `"dr"
  sorry_server = { address = "192.0.2.99", port = 8080 }`, "sorry_server", `sorry_server.port: forwarding_method "dr" keeps the port: use 80`},
		{goodService, `"dr"`, `"dr"
  sorry_server = { address = "2001:db8::1", port = 80 }`, "sorry_server", "is not IPv4, as the service is"},

		{goodServer, `"web"`, `"we b"`, "virtual_server", `"we b" is not a name`},
		{goodServer, `"192.0.2.21"`, `"rs1.example"`, "address", "Invalid IP Address"},
		{goodServer, `"192.0.2.21"`, `"ff02::1"`, "address", "use a unicast address"},
		{goodServer, `= 80`, `= 70000`, "port", "70000 is out of range: use 1 to 65535"},
		{goodServer, `= 80`, `= 65536`, "port", "65536 is out of range: use 1 to 65535"},
		{goodServer, `= 80`, `= -1`, "port", "-1 is out of range: use 1 to 65535"},
		{goodServer, `= 1`, `= 65536`, "weight", "65536 is out of range: use 0 to 65535"},
		{goodServer, `= 1`, `= -1`, "weight", "-1 is out of range: use 0 to 65535"},
		{goodService, `"wrr"`, `"sh"
  on_failure = "quiesce"`, "on_failure", `"quiesce" would not keep clients away: scheduler sh goes on sending its share of clients`},
		{goodService, `"wrr"`, `"wrr"
  on_failure = "drop"`, "on_failure", `"drop" is not known: use one of remove, quiesce`},
		{goodService, `"wrr"`, `"wrr"
  initial_state = "unknown"`, "initial_state", `"unknown" is not known: use one of down, up`},
		{goodService, `"wrr"`, `"wrr"
  drain_timeout = "25h"`, "drain_timeout", "25h0m0s is out of range: use 0s, which removes at once, to 24h0m0s"},
		{goodService, `"dr"`, `"dr"
  slow_start = "2h"`, "slow_start", "2h0m0s is out of range: use 0s, which gives the full weight at once, or 1s to 1h0m0s"},
		{goodServer, `weight `, `slow_start = "10ms"
  weight `, "slow_start", "10ms is out of range"},
		{goodServer, `weight `, `drain_timeout = "-1s"
  weight `, "drain_timeout", "-1s is out of range"},
		{goodServer, `weight `, `initial_state = "unknown"
  weight `, "initial_state", `"unknown" is not known: use one of down, up`},
		{goodServer, `weight `, `on_failure = "drop"
  weight `, "on_failure", `"drop" is not known: use one of remove, quiesce`},
		{goodServer, `weight `, `health_check = {}
  weight `, "health_check", "names at least one of tcp, http, dns, grpc, smtp, udp, ping and script"},
		{goodServer, `weight `, `directors = []
  weight `, "directors", "the set is empty"},

		{goodScript, `["/scripts/ping"]`, `[]`, "command", "a command is needed"},
		{goodScript, `command  = ["/scripts/ping"]`, ``, "lvs_check_script", "a command is needed"},
		{goodScript, `command  = ["/scripts/ping"]`, `content = "exit 0"`, "content", "the first line does not say what runs the script"},
		{goodScript, `command  = ["/scripts/ping"]`, `command = ["/scripts/ping"]
  content = "#!/bin/sh"`, "content", "a check script has a command or a content, not both"},
		{goodScript, `"/scripts/ping"`, `"ping"`, "command", `"ping" is not an absolute path`},
		{goodScript, `"/scripts/ping"`, `"/scripts/../ping"`, "command", "is not an absolute path without"},
		{goodScript, `"2s"`, `"1ms"`, "interval", "1ms is out of range: use 10ms to 24h0m0s"},
		{goodScript, `"1s"`, `"0s"`, "timeout", "0s is no time to answer in"},
	} {
		config := strings.Replace(test.config, test.good, test.bad, 1)
		if config == test.config {
			t.Errorf("%q is not in %s", test.good, test.config)
		}
		name := strings.SplitN(test.config, `"`, 3)[1]
		t.Run(name+" "+test.line+" "+test.bad, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			run(t, resource.TestStep{Config: providerBlock(directors) + config, PlanOnly: true, ExpectError: saying(test.want)})
			for name, d := range directors {
				if puts := d.seen("PUT"); len(puts) > 0 {
					t.Errorf("%s was asked about it: %q", name, puts)
				}
			}
		})
	}
}

// Terraform prints the line of the attribute that an error is about.
func TestErrorPointsAtTheAttribute(t *testing.T) {
	t.Parallel()
	for config, line := range map[string]string{
		strings.Replace(goodInstance, "51", "256", 1):                        "virtual_router_id = 256",
		strings.Replace(goodInstance, "priority = 150", "priority = 0", 1):   "On d1: members[\"d1\"].priority: 0 is out of range",
		strings.Replace(goodService, `timeout  = "1s"`, `timeout = "9s"`, 1): "health_check.timeout: 9s is not shorter",
		strings.Replace(goodServer, "= 80", "= 65536", 1):                    "port = 65536",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + config, PlanOnly: true, ExpectError: saying(line)})
		})
	}
}

func TestValueThatIsNotKnownYetIsNoError(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	run(t, resource.TestStep{Config: providerBlock(directors) + `
resource "terraform_data" "late" {
  input = {
    script = "#!/bin/sh\n", text = "web", number = 51, interval = "5s", timeout = "3s", address = "192.0.2.21", prefix = "192.0.2.100/24", status = "204", protocol = "tcp", key = "192.0.2.22:80"
    members = { d1 = { priority = 150 }, d2 = { priority = 100 } }
  }
}
locals {
  late = terraform_data.late.output
}
resource "lvs_check_script" "test" {
  name     = local.late.text
  command  = ["/scripts/ping", local.late.text]
  interval = local.late.interval
  timeout  = "3s"
}
resource "lvs_check_script" "text" {
  name    = "text"
  content = local.late.script
}
resource "lvs_check_script" "follows" {
  name     = "follows"
  command  = ["/scripts/ping"]
  interval = local.late.interval
}
resource "lvs_vrrp_instance" "test" {
  name                   = "web"
  virtual_router_id      = local.late.number
  interface              = local.late.text
  advertisement_interval = local.late.interval
  virtual_addresses      = [local.late.prefix]
  members                = local.late.members
  track_scripts          = { (lvs_check_script.test.name) = { weight = local.late.number } }
}
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = local.late.address
  port              = local.late.number
  forwarding_method = "dr"
  health_check = {
    interval = "5s"
    timeout  = local.late.timeout
    http     = { expected_status = [local.late.status] }
  }
}
resource "lvs_virtual_server" "mail" {
  name              = "mail"
  address           = local.late.address
  port              = 25
  protocol          = local.late.protocol
  forwarding_method = "dr"
  health_check      = { smtp = {} }
}
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = local.late.address
  port           = local.late.number
  weight         = local.late.number
  directors      = lvs_virtual_server.test.directors
}
resource "lvs_virtual_server" "pool" {
  name              = "pool"
  address           = "192.0.2.101"
  port              = local.late.number
  forwarding_method = "nat"
}
resource "lvs_real_server_group" "test" {
  virtual_server = lvs_virtual_server.pool.name
  servers        = { "192.0.2.21:80" = { weight = local.late.number }, (local.late.key) = {} }
}
resource "lvs_ipvs_settings" "test" {
  connection_sync = { interface = local.late.text, sync_id = local.late.number }
  timeouts        = { tcp = local.late.interval }
  sysctls         = { conn_reuse_mode = local.late.number - 50 }
}`})
}
