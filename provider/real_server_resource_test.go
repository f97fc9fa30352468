package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const servedPair = `
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.21"
  port           = 80
}`

func TestServerThatItsPlannedServiceCannotHaveIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ good, bad, want string }{
		"another port":   {`port           = 80`, `port = 8080`, `forwarding_method "dr" keeps the port: use 80`},
		"another family": {`"192.0.2.21"`, `"2001:db8::21"`, "is not IPv4, as the service is"},
		"no way to quiesce": {`forwarding_method = "dr"`, `forwarding_method = "dr"
  scheduler = "sh"
}
resource "lvs_real_server" "other" {
  virtual_server = lvs_virtual_server.test.name
  address        = "192.0.2.22"
  port           = 80
  on_failure     = "quiesce"`, `"quiesce" would not keep clients away`},
		"on more directors": {`forwarding_method = "dr"`, `forwarding_method = "dr"` + "\n  directors = [\"d1\"]", `virtual server "web" is not on d2: write directors = lvs_virtual_server.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := providerBlock(newDirectors(t, "d1", "d2")) + strings.Replace(servedPair, test.good, test.bad, 1)
			run(t, resource.TestStep{Config: config, PlanOnly: true, ExpectError: saying(test.want)})
		})
	}
}

// What a director has now may be about to change: only the apply can tell.
func TestServerAndItsServiceMoveToAnotherPortInOneApply(t *testing.T) {
	t.Parallel()
	block := providerBlock(newDirectors(t, "d1", "d2"))
	nat := strings.Replace(servedPair, `"dr"`, `"nat"`, 1)
	run(t,
		resource.TestStep{Config: block + nat},
		resource.TestStep{Config: block + strings.ReplaceAll(nat, "= 80", "= 8080")},
		resource.TestStep{
			Config: block + strings.ReplaceAll(nat, "= 80", "= 8080"), ConfigPlanChecks: noChanges(),
		},
	)
}

func TestServerOfAServiceThatIsNotThereIsRefused(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	run(t, resource.TestStep{
		Config:      providerBlock(directors) + goodServer,
		ExpectError: saying(`On d1 and d2: virtual server "web" does not exist on this director: create it first`),
	})
	onlyAsked(t, directors)
}

func TestServerThatADirectorsServiceCannotHaveIsRefusedAndNothingIsMade(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	for name, port := range map[string]int{"d1": 80, "d2": 8080} {
		directors[name].change(spec.KindVirtualServer, "web", spec.VirtualServer{
			Address: addressOf("192.0.2.100"), Port: port, Protocol: spec.TCP, Scheduler: "rr", ForwardingMethod: spec.DirectRouting,
		})
	}
	run(t, resource.TestStep{Config: providerBlock(directors) + goodServer, ExpectError: saying(`On d2: forwarding_method "dr" keeps the port: use 8080`)})
	onlyAsked(t, directors)
}

func TestServerOfAnotherAddressIsAnotherServer(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	run(t,
		resource.TestStep{Config: block + servedPair},
		resource.TestStep{
			Config:           block + strings.Replace(servedPair, "192.0.2.21", "192.0.2.22", 1),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction("lvs_real_server.test", plancheck.ResourceActionDestroyBeforeCreate)),
		},
		resource.TestStep{PreConfig: func() {
			key := spec.ServerKey{VirtualServer: "web", Address: addressPortOf("192.0.2.22:80")}
			for name, d := range directors {
				if got := d.store.Desired().RealServers; got.Count() != 1 || got[key.VirtualServer][key.Address].Weight != 1 {
					t.Errorf("%s has %v", name, got)
				}
			}
		}, Config: block + strings.Replace(servedPair, "192.0.2.21", "192.0.2.22", 1), ConfigPlanChecks: noChanges()},
	)
}

func TestImportIDThatIsNoneSaysWhatOneLooksLike(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"web":                  "write VIRTUAL_SERVER/ADDRESS:PORT, for example web/192.0.2.21:80",
		"web/192.0.2.21":       "write 192.0.2.21:80 or [2001:db8::1]:80",
		"web/[2001:DB8::1]:80": "is not in canonical form: write [2001:db8::1]:80",
	} {
		t.Run(strings.ReplaceAll(id, "/", "|"), func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{
				Config: providerBlock(newDirectors(t, "d1")) + goodServer, ResourceName: "lvs_real_server.test",
				ImportState: true, ImportStateId: id, ExpectError: saying(want),
			})
		})
	}
}

func TestWhatAServerHasOfItsOwnIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	with := func(service, server string) string {
		config := strings.Replace(servedPair, `"dr"`, `"dr"`+"\n"+service, 1)
		return block + config[:strings.LastIndex(config, "}")] + server + "\n}"
	}
	var steps []resource.TestStep
	for _, config := range []string{
		with("", ""),
		with("initial_state = \"up\"\non_failure = \"remove\"\nhealth_check = { tcp = {} }", "on_failure = \"quiesce\"\ninitial_state = \"down\""),
		with("", "health_check = { interval = \"5s\", fall = 5, http = { path = \"/healthz\" } }\ninitial_state = \"up\""),
		with("health_check = { http = { method = \"POST\", host = \"a.example\", headers = { x-a = \"b\" }, body = \"c\", expected_body = \"d\", expected_match = \"e+\", tls = { server_name = \"a.example\", minimum_version = \"1.3\", verify = false, min_validity = \"24h0m0s\" } } }",
			"health_check = { tcp = { port = 8081, send = \"PING\\r\\n\", expect = \"+PONG\" }, http = { address = \"192.0.2.99\", port = 8080, tls = {} } }"),
		with("", ""),
	} {
		steps = append(steps, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
			resource.TestStep{ResourceName: "lvs_virtual_server.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
			resource.TestStep{ResourceName: "lvs_real_server.test", ImportState: true, ImportStateId: "web/192.0.2.21:80", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "address"})
	}
	run(t, steps...)
}
