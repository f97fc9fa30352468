package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const goodSettings = `resource "lvs_ipvs_settings" "test" {
  connection_sync = {
    interface  = "eth1"
    interfaces = { d2 = "eth2" }
    follow     = "web"
    sync_id    = 7
    max_length = 1400
  }
  timeouts = {
    tcp = "3600s"
  }
  sysctls = {
    conntrack = false
  }
}
`

// followed is the instance that goodSettings follow, by reference.
func followed(t *testing.T) string {
	t.Helper()
	return replaceOnce(t, goodSettings, `"web"`, "lvs_vrrp_instance.web.name") + followedInstance
}

const followedInstance = `
resource "lvs_vrrp_instance" "web" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 150 }, d2 = {} }
}
`

// has checks what a director was asked for.
func has(d *testDirector, document string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		var want spec.IPVSSettings
		if err := spec.Decode([]byte(document), &want); err != nil {
			return err
		}
		if diff := cmp.Diff(tree(want), tree(d.store.Desired().IPVSSettings)); diff != "" {
			return fmt.Errorf("%s (-want +got):\n%s", d.name, diff)
		}
		return nil
	}
}

func TestSettingsAreOfEachDirectorWithItsOwnInterface(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + followed(t)
	const address = "lvs_ipvs_settings.test"
	run(t,
		resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(
			has(directors["d1"], `{"connection_sync":{"interface":"eth1","follow":"web","sync_id":7,"max_length":1400},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":false}}`),
			has(directors["d2"], `{"connection_sync":{"interface":"eth2","follow":"web","sync_id":7,"max_length":1400},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":false}}`),
		)},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "default", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "director_status.%",
			ImportStateVerifyIgnore:              []string{"timeouts.tcp"}, // 1h0m0s, which is the same
		},
		resource.TestStep{
			PreConfig: func() {
				var v spec.IPVSSettings
				if err := spec.Decode([]byte(`{"connection_sync":{"interface":"eth9","follow":"web","sync_id":7,"max_length":1400},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":false}}`), &v); err != nil {
					t.Error(err)
				}
				directors["d2"].change(spec.KindIPVSSettings, spec.IPVSSettingsKey, v)
			},
			Config: config, ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				before{address, []string{"connection_sync", "interfaces", "d2"}, "eth9"},
			),
		},
		resource.TestStep{Config: providerBlock(directors) + followedInstance + `resource "lvs_ipvs_settings" "test" {
  sysctls = {}
}
`, Check: resource.ComposeTestCheckFunc(has(directors["d1"], `{"sysctls":{}}`), has(directors["d2"], `{"sysctls":{}}`))},
	)
}

func TestDriftOfTheMachineIsShownAtItsDirector(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + followed(t)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				directors["d2"].setDrift(
					spec.Drift{Kind: spec.KindIPVSSettings, Name: spec.IPVSSettingsKey, Field: "connection_sync.master", Actual: "stopped", Want: "running"},
					spec.Drift{Kind: spec.KindIPVSSettings, Name: spec.IPVSSettingsKey, Field: "sysctls.conntrack", Actual: "true", Want: "false"})
			},
			Config: config, ConfigPlanChecks: planned(
				before{"lvs_ipvs_settings.test", []string{"director_status", "d2", "drift"}, "connection_sync.master=stopped, want running; sysctls.conntrack=true, want false"},
				before{"lvs_ipvs_settings.test", []string{"director_status", "d1", "state"}, inSync},
			),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
}

func TestSysctlThatADirectorLacksIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	const why = "net.ipv4.vs.conntrack is not in this kernel: it was built without CONFIG_IP_VS_NFCT; leave it out"
	directors["d2"].setRefusal(spec.FieldError{Pointer: "/sysctls/conntrack", Detail: why})
	run(t, resource.TestStep{
		Config:   providerBlock(directors) + "resource \"lvs_ipvs_settings\" \"test\" {\n  sysctls = { conntrack = true }\n}\n",
		PlanOnly: true, ExpectError: saying("On d2: sysctls.conntrack: " + why),
	})
}

func TestSettingsAreImportedByTheirOnlyID(t *testing.T) {
	t.Parallel()
	run(t, resource.TestStep{
		Config:       providerBlock(newDirectors(t, "d1", "d2")) + "resource \"lvs_ipvs_settings\" \"test\" {\n}\n",
		ResourceName: "lvs_ipvs_settings.test", ImportState: true, ImportStateId: "web",
		ExpectError: saying(`"web" is not their id: a director has one such object, and its id is "default"`),
	})
}

// Whichever of the two is planned first, and whether or not one of them is there already.
func TestConnectionSyncBesideAServerOfAnotherFamilyIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	const settings = `
resource "lvs_ipvs_settings" "test" {
  connection_sync = { interface = "eth0" }
}
`
	const sorry = `  sorry_server      = { address = "2001:db8::9", port = 80 }
`
	const server = `
resource "lvs_real_server" "test" {
  virtual_server = lvs_virtual_server.test.name
  address        = "2001:db8::21"
  port           = 80
}
`
	const why = "is of another family than its virtual server: the kernel has no connection sync beside such servers"
	service := func(more string) string {
		return `
resource "lvs_virtual_server" "test" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "tunnel"
` + more + "}\n"
	}
	for name, tt := range map[string]struct{ first, then string }{
		"real server and settings":     {"", settings + service("") + server},
		"sorry server and settings":    {"", settings + service(sorry)},
		"settings after a real server": {service("") + server, settings + service("") + server},
		"real server after settings":   {settings + service(""), settings + service("") + server},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block := providerBlock(newDirectors(t, "d1", "d2"))
			var steps []resource.TestStep
			if tt.first != "" {
				steps = append(steps, resource.TestStep{Config: block + tt.first})
			}
			run(t, append(steps, resource.TestStep{Config: block + tt.then, PlanOnly: true, ExpectError: saying(why)})...)
		})
	}
	t.Run("a service that is not of the plan", func(t *testing.T) {
		t.Parallel()
		directors := newDirectors(t, "d1", "d2")
		for _, d := range directors {
			v := spec.DefaultVirtualServer()
			v.Address, v.Port, v.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.DirectRouting
			d.change(spec.KindVirtualServer, "web", v)
		}
		run(t, resource.TestStep{Config: providerBlock(directors) + settings + goodServer})
	})
	t.Run("on different directors", func(t *testing.T) {
		t.Parallel()
		block := providerBlock(newDirectors(t, "d1", "d2"))
		on := func(config, director string) string {
			return strings.Replace(config, "\" {\n", "\" {\n  directors = [\""+director+"\"]\n", 1)
		}
		run(t, resource.TestStep{Config: block + on(settings, "d1") + on(service(""), "d2") + on(server, "d2")})
	})
}
