package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
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
		"http": {
			`http = { follow_redirects = true, expected_json = { "/status" = "up" } }`,
			`http = { version = "2", path = "/a", additional_requests = [{ path = "/b", headers = {} }, { method = "HEAD", expected_status = ["204"] }], tls = {} }`,
			`http = { additional_requests = [], expected_json = {} }`,
			`http = { additional_requests = [{ expected_json = { "" = "true", "/a~1b/0" = "1" } }] }`,
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
		`dns = { name = "a b" }`:                                          `health_check.dns.name: "a b" is not a domain name`,
		`dns = { name = "a.example", type = "ANY" }`:                      `health_check.dns.type: "ANY" is not known`,
		`dns = { name = "a.example", expected_answers = ["mail"] }`:       `health_check.dns.expected_answers[0]: "mail" is not the data of a record of type A`,
		`dns = { name = "a.example", protocol = "sctp" }`:                 `health_check.dns.protocol: "sctp" is not known`,
		`grpc = { tls = { ca_cert_pem = "ca" } }`:                         "health_check.grpc.tls.ca_cert_pem: there is no certificate in it",
		`smtp = { starttls = {}, tls = {} }`:                              "health_check.smtp.starttls: TLS begins with the connection or after EHLO, not twice",
		`smtp = { hello = "a b" }`:                                        `health_check.smtp.hello: "a b" is not a name`,
		`udp = {}`:                                                        "the health check udp speaks udp, and the service's port is tcp: give the check a port of its own",
		`udp = { send_hex = "abc" }`:                                      `health_check.udp.send_hex: "abc" is not bytes in hexadecimal digits`,
		`udp = { expect = "a", expect_hex = "61" }`:                       "health_check.udp.expect_hex: a datagram is given as text or as bytes, not twice",
		`ping = { address = "224.0.0.1" }`:                                "health_check.ping.address: 224.0.0.1 is not the address of one machine",
		`tcp = {}, source = "eth 0"`:                                      `health_check.source: "eth 0" is neither an address nor the name of a network interface`,
		`tcp = {}, source = "2001:db8::11"`:                               "from 2001:db8::11 the health check tcp cannot go to 192.0.2.21, which is IPv4",
		`tcp = {}, firewall_mark = -1`:                                    "health_check.firewall_mark: -1 is out of range",
		`http = { version = "3" }`:                                        `health_check.http.version: "3" is not known: use one of 1.1, 2`,
		`http = { expected_json = { "status" = "up" } }`:                  `health_check.http.expected_json["status"]: "status" is not a JSON pointer (RFC 6901)`,
		`http = { additional_requests = [{}, { path = "b" }] }`:           `health_check.http.additional_requests[1].path: "b" is not a path`,
		`http = { basic_auth = { username = "a" } }`:                      "health_check.http.basic_auth.password_wo: a password is needed",
		`http = { basic_auth = { username = "a:b", password_wo = "c" } }`: `health_check.http.basic_auth.username: "a:b" is not the name of a user`,
		`http = { basic_auth = { username = "a", password_wo = "c" }, headers = { authorization = "b" } }`: "health_check.http.basic_auth: the header authorization says who asks, too",
		`http = { tls = { client_cert_pem = "c" } }`:                                                       "health_check.http.tls.client_key_pem_wo: the certificate's key is needed",
		`grpc = { tls = { client_key_pem_wo = "c" } }`:                                                     "health_check.grpc.tls.client_cert_pem: there is a key without its certificate",
		`smtp = { tls = { client_cert_pem = "c", client_key_pem_wo = "s3cret" } }`:                         "health_check.smtp.tls.client_cert_pem: it and its key cannot be used: failed to find any PEM data in certificate input",
		`interval = "1s", timeout = "2s", ping = {}`:                                                       "health_check.timeout: 2s is not shorter than the interval of 1s: use less",
		`interval = "1s", timeout = "1s", ping = {}`:                                                       "health_check.timeout: 1s is not shorter than the interval of 1s: use less",
		`tcp = {}, dns = { name = "a.example", expected_rcode = "WRONG" }`:                                 `health_check.dns.expected_rcode: "WRONG" is not known`,
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(servedPair, `"dr"`, `"dr"`+"\nhealth_check = { "+check+" }", 1)
			run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + config, PlanOnly: true, ExpectError: saying(want)})
		})
	}
}

func TestSecretsOfHealthChecksAreGivenToDirectorsAndKeptNowhere(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	// secrets are those of a check, as a director has them.
	secrets := func(v *spec.HealthCheck) string {
		return fmt.Sprintf("%s %d; %t %t %t", string(v.HTTP.BasicAuth.Password), v.HTTP.BasicAuth.PasswordVersion,
			string(v.HTTP.TLS.ClientKeyPEM) == string(key), string(v.GRPC.TLS.ClientKeyPEM) == string(key), string(v.SMTP.STARTTLS.ClientKeyPEM) == string(key))
	}
	check := func(password string, version int) string {
		return fmt.Sprintf(`health_check = {
    http = {
      basic_auth = { username = "lvs", password_wo = %q, password_wo_version = %d }
      tls        = { client_cert_pem = local.certificate, client_key_pem_wo = local.key, client_key_pem_wo_version = 1 }
    }
    grpc = { tls = { client_cert_pem = local.certificate, client_key_pem_wo = local.key } }
    smtp = { starttls = { client_cert_pem = local.certificate, client_key_pem_wo = local.key } }
  }`, password, version)
	}
	for name, tt := range map[string]struct {
		config func(check string) string
		find   func(spec.Desired) *spec.HealthCheck
	}{
		"virtual server": {
			func(check string) string { return strings.Replace(servedPair, `"dr"`, `"dr"`+"\n  "+check, 1) },
			func(d spec.Desired) *spec.HealthCheck { return d.VirtualServers["web"].HealthCheck },
		},
		"real server": {
			func(check string) string { return servedPair[:strings.LastIndex(servedPair, "}")] + check + "\n}" },
			func(d spec.Desired) *spec.HealthCheck {
				for _, server := range d.RealServers.All() {
					return server.HealthCheck
				}
				return nil
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			locals := fmt.Sprintf("\nlocals {\n  certificate = %q\n  key = %q\n}\n", certificate, key)
			with := func(password string, version int) string {
				return providerBlock(directors) + locals + tt.config(check(password, version))
			}
			stored := func(want string) func() {
				return func() {
					for name, d := range directors {
						if diff := cmp.Diff(want, secrets(tt.find(d.store.Desired()))); diff != "" {
							t.Errorf("on %s (-want +got):\n%s", name, diff)
						}
					}
				}
			}
			run(t,
				resource.TestStep{Config: with("s3cret", 1), Check: keptOutOfState("s3cret", "PRIVATE KEY")},
				resource.TestStep{PreConfig: stored("s3cret 1; true true true"), Config: with("s3cret", 1), ConfigPlanChecks: noChanges()},
				resource.TestStep{Config: with("s3cret-2", 2), Check: keptOutOfState("s3cret", "PRIVATE KEY")},
				resource.TestStep{PreConfig: stored("s3cret-2 2; true true true"), Config: with("s3cret-2", 2), ConfigPlanChecks: noChanges()},
			)
		})
	}
}

func TestGroupHasNoSecrets(t *testing.T) {
	t.Parallel()
	for check, want := range map[string]string{
		`http = { basic_auth = { username = "lvs", password_wo = "s3cret" } }`:     `password_wo would stand in the state of a group: leave this health check to the virtual server, or use lvs_real_server`,
		`grpc = { tls = { client_cert_pem = "c", client_key_pem_wo = "s3cret" } }`: `client_key_pem_wo would stand in the state of a group`,
	} {
		config := groupOf(`"192.0.2.21:80" = { health_check = { ` + check + ` } }`)
		run(t, resource.TestStep{Config: providerBlock(newDirectors(t, "d1", "d2")) + config, PlanOnly: true, ExpectError: saying(want)})
	}
}

// A password that is made in the same apply is not known at plan, where it is not in the plan either.
func TestSecretThatIsNotKnownYetIsNoError(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := strings.Replace(servedPair, `"dr"`, `"dr"
  health_check = { http = { basic_auth = { username = "lvs", password_wo = terraform_data.late.output } } }`, 1)
	given := func(*terraform.State) error {
		for name, d := range directors {
			check := d.store.Desired().VirtualServers["web"].HealthCheck
			if check == nil || check.HTTP.BasicAuth.Password != "s3cret" {
				return fmt.Errorf("%s has no password", name)
			}
		}
		return nil
	}
	run(t, resource.TestStep{Config: providerBlock(directors) + `
resource "terraform_data" "late" {
  input = "s3cret"
}` + config, Check: given})
}

func TestTimeoutOfAHealthCheckThatIsLeftOutGoesByTheInterval(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, "d1", "d2")
	with := func(interval string) string {
		return providerBlock(d) + `
resource "terraform_data" "interval" { input = "` + interval + `" }
` + strings.Replace(servedPair, `"dr"`, `"dr"`+"\nhealth_check = { interval = terraform_data.interval.output, tcp = {} }", 1)
	}
	var steps []resource.TestStep
	for _, step := range []struct{ interval, timeout string }{{"1s", "500ms"}, {"4s", "1s"}, {"200ms", "100ms"}} {
		steps = append(steps, resource.TestStep{Config: with(step.interval)}, resource.TestStep{
			PreConfig: func() {
				for name, director := range d {
					if got := director.store.Desired().VirtualServers["web"].HealthCheck.Timeout.String(); got != step.timeout {
						t.Errorf("the timeout at %s on %s is %s, want %s", step.interval, name, got, step.timeout)
					}
				}
			}, Config: with(step.interval), ConfigPlanChecks: noChanges(),
		})
	}
	run(t, steps...)
}
