package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestEachKindOfHealthCheckIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	for name, checks := range map[string][]string{
		"dns": {
			`dns = { name = "www.example.com" }`,
			`dns = { address = "192.0.2.99", port = 5353, protocol = "tcp", name = "example.com.", type = "MX", expected_answers = ["10 mail.example.com", "20 mx.example.com"] }`,
			`dns = { name = "no.example.com", expected_rcode = "NXDOMAIN" }`,
		},
		"grpc": {
			`grpc = {}`,
			`grpc = { address = "192.0.2.99", port = 50051, service = "shop.v1.Cart", tls = {} }`,
			`grpc = { tls = { server_name = "shop.example.com", verify = false } }`,
		},
		"smtp": {
			`smtp = {}`,
			`smtp = { address = "192.0.2.99", port = 25, hello = "d1.example.com", starttls = { min_validity = "24h0m0s" } }`,
			`smtp = { port = 465, tls = {} }`,
		},
		"udp": {
			`udp = { port = 514 }`,
			`udp = { address = "192.0.2.99", port = 5060, send = "OPTIONS\r\n", expect = "SIP/2.0 200" }`,
			`udp = { port = 123, send_hex = "1b00ff", expect_hex = "1C" }`,
		},
		"ping": {
			`ping = {}`,
			`ping = { address = "2001:db8::99" }`,
		},
		"socket": {
			`tcp = {}, source = "eth1", firewall_mark = 5`,
			`tcp = {}, source = "192.0.2.11"`,
			`tcp = {}`,
		},
		"several": {
			`ping = {}, tcp = {}, dns = { name = "." }`,
			`ping = {}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block := providerBlock(newDirectors(t, "d1", "d2"))
			var steps []resource.TestStep
			for i, check := range checks {
				service := "health_check = { " + check + " }"
				server := "health_check = { " + checks[(i+1)%len(checks)] + " }"
				config := strings.Replace(servedPair, `"dr"`, `"dr"`+"\n"+service, 1)
				config = block + config[:strings.LastIndex(config, "}")] + server + "\n}"
				steps = append(steps, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
					resource.TestStep{ResourceName: "lvs_virtual_server.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
					resource.TestStep{ResourceName: "lvs_real_server.test", ImportState: true, ImportStateId: "web/192.0.2.21:80", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "address"})
			}
			run(t, steps...)
		})
	}
}

func TestHealthCheckThatCannotBeIsAnErrorAtPlanAtItsAttribute(t *testing.T) {
	t.Parallel()
	for check, want := range map[string]string{
		`dns = { name = "a b" }`:                                           `health_check.dns.name: "a b" is not a domain name`,
		`dns = { name = "a.example", type = "ANY" }`:                       `health_check.dns.type: "ANY" is not known`,
		`dns = { name = "a.example", expected_answers = ["mail"] }`:        `health_check.dns.expected_answers[0]: "mail" is not the data of a record of type A`,
		`dns = { name = "a.example", protocol = "sctp" }`:                  `health_check.dns.protocol: "sctp" is not known`,
		`grpc = { tls = { ca_cert_pem = "ca" } }`:                          "health_check.grpc.tls.ca_cert_pem: there is no certificate in it",
		`smtp = { starttls = {}, tls = {} }`:                               "health_check.smtp.starttls: TLS begins with the connection or after EHLO, not twice",
		`smtp = { hello = "a b" }`:                                         `health_check.smtp.hello: "a b" is not a name`,
		`udp = { send_hex = "abc" }`:                                       `health_check.udp.send_hex: "abc" is not bytes in hexadecimal digits`,
		`udp = { expect = "a", expect_hex = "61" }`:                        "health_check.udp.expect_hex: a datagram is given as text or as bytes, not twice",
		`ping = { address = "224.0.0.1" }`:                                 "health_check.ping.address: 224.0.0.1 is not the address of one machine",
		`tcp = {}, source = "eth 0"`:                                       `health_check.source: "eth 0" is neither an address nor the name of a network interface`,
		`tcp = {}, source = "2001:db8::11"`:                                "from 2001:db8::11 the health check tcp cannot go to 192.0.2.21, which is IPv4",
		`tcp = {}, firewall_mark = -1`:                                     "health_check.firewall_mark: -1 is out of range",
		`interval = "1s", timeout = "2s", ping = {}`:                       "health_check.timeout: 2s is longer than the interval of 1s",
		`tcp = {}, dns = { name = "a.example", expected_rcode = "WRONG" }`: `health_check.dns.expected_rcode: "WRONG" is not known`,
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(servedPair, `"dr"`, `"dr"`+"\nhealth_check = { "+check+" }", 1)
			run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + config, PlanOnly: true, ExpectError: saying(want)})
		})
	}
}
