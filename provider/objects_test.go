package provider

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// object is a resource of each kind, and what somebody else may do to it.
type object struct {
	kind      spec.Kind
	key       string
	address   string
	config    string
	update    [2]string // what is replaced in config, by what
	updated   any
	changed   any    // somebody else's value
	drift     string // how it reads on one director
	attribute string // where it shows when it is on all
	importID  string
	needs     []spec.Change
}

func objects() map[string]object {
	service := spec.DefaultVirtualServer()
	service.Address, service.Port, service.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.DirectRouting
	serviceUpdated, serviceChanged := service, service
	serviceUpdated.Scheduler, serviceChanged.Scheduler = "sh", "rr"

	script := spec.DefaultCheckScript()
	script.Command, script.Timeout = []string{"/scripts/ping"}, script.Interval
	scriptUpdated, scriptChanged := script, script
	scriptUpdated.Rise, scriptChanged.Rise = 3, 2

	instance := spec.DefaultVRRPInstance()
	instance.VirtualRouterID, instance.Interface, instance.VirtualAddresses = 51, "eth0", prefixesOf("192.0.2.100/24")
	instanceUpdated, instanceChanged := instance, instance
	instanceUpdated.VirtualRouterID, instanceChanged.VirtualRouterID = 52, 99

	settings := spec.IPVSSettings{Sysctls: &spec.IPVSSysctls{ConnReuseMode: new(1), Conntrack: new(true)}}
	settingsWith := func(mode int) spec.IPVSSettings {
		return spec.IPVSSettings{Sysctls: &spec.IPVSSysctls{ConnReuseMode: new(mode), Conntrack: settings.Sysctls.Conntrack}}
	}

	return map[string]object{
		"IPVS settings": {
			kind: spec.KindIPVSSettings, key: spec.IPVSSettingsKey, address: "lvs_ipvs_settings.test", importID: "default",
			config: `resource "lvs_ipvs_settings" "test" {
  sysctls = {
    conn_reuse_mode = 1
    conntrack = true
  }
}`,
			update: [2]string{"mode = 1", "mode = 0"}, updated: settingsWith(0),
			changed: settingsWith(2), drift: "sysctls.conn_reuse_mode=2, want 1", attribute: "sysctls/conn_reuse_mode",
		},
		"virtual server": {
			kind: spec.KindVirtualServer, key: "web", address: "lvs_virtual_server.test", importID: "web",
			config: `resource "lvs_virtual_server" "test" {
  name = "web"
  address = "192.0.2.100"
  port = 80
  forwarding_method = "dr"
  scheduler = "wlc"
}`,
			update: [2]string{`"wlc"`, `"sh"`}, updated: serviceUpdated,
			changed: serviceChanged, drift: "scheduler=rr, want wlc", attribute: "scheduler",
		},
		"real server": {
			kind: spec.KindRealServer, key: "web/192.0.2.21:80", address: "lvs_real_server.test", importID: "web/192.0.2.21:80",
			config: `resource "lvs_real_server" "test" {
  virtual_server = "web"
  address = "192.0.2.21"
  port = 80
  weight = 1
}`,
			update: [2]string{"weight = 1", "weight = 5"}, updated: spec.RealServer{Weight: 5},
			changed: spec.RealServer{Weight: 9}, drift: "weight=9, want 1", attribute: "weight",
			needs: []spec.Change{{Kind: spec.KindVirtualServer, Key: "web", Value: service}},
		},
		"real server group": {
			kind: spec.KindRealServerGroup, key: "web", address: "lvs_real_server_group.test", importID: "web",
			config: `resource "lvs_real_server_group" "test" {
  virtual_server = "web"
  servers = { "192.0.2.21:80" = { weight = 1 } }
}`,
			update: [2]string{"weight = 1", "weight = 5"}, updated: groupOfOne(5),
			changed: groupOfOne(9), drift: "servers.192.0.2.21:80.weight=9, want 1", attribute: "servers/192.0.2.21:80/weight",
			needs: []spec.Change{{Kind: spec.KindVirtualServer, Key: "web", Value: service}},
		},
		"check script": {
			kind: spec.KindCheckScript, key: "gateway", address: "lvs_check_script.test", importID: "gateway",
			config: `resource "lvs_check_script" "test" {
  name = "gateway"
  command = ["/scripts/ping"]
  rise = 1
}`,
			update: [2]string{"rise = 1", "rise = 3"}, updated: scriptUpdated,
			changed: scriptChanged, drift: "rise=2, want 1", attribute: "rise",
		},
		"vrrp instance": {
			kind: spec.KindVRRPInstance, key: "web", address: "lvs_vrrp_instance.test", importID: "web",
			config: `resource "lvs_vrrp_instance" "test" {
  name = "web"
  virtual_router_id = 51
  interface = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members = { d1 = {}, d2 = { priority = 100 } }
}`,
			update: [2]string{"51", "52"}, updated: instanceUpdated,
			changed: instanceChanged, drift: "virtual_router_id=99, want 51", attribute: "virtual_router_id",
		},
	}
}

// desired returns the object as a director was asked for it; nil when it was not.
func (o object) desired(d *testDirector) any {
	desired := d.store.Desired()
	var v any
	var ok bool
	switch o.kind {
	case spec.KindVRRPInstance:
		v, ok = get(desired.VRRPInstances, o.key)
	case spec.KindVirtualServer:
		v, ok = get(desired.VirtualServers, o.key)
	case spec.KindCheckScript:
		v, ok = get(desired.CheckScripts, o.key)
	case spec.KindIPVSSettings:
		if desired.IPVSSettings == nil {
			return nil
		}
		return *desired.IPVSSettings
	case spec.KindRealServerGroup:
		group, owned := desired.Group(o.key)
		v, ok = group, owned
	case spec.KindRealServer:
		key, err := spec.ParseServerKey(o.key)
		v, ok = get(desired.RealServers[key.VirtualServer], key.Address)
		ok = ok && err == nil
	}
	if !ok {
		return nil
	}
	return v
}

func get[K comparable, V any](m map[K]V, key K) (any, bool) {
	v, ok := m[key]
	return v, ok
}

// eachKind runs a test for a resource of each kind, on two directors of its own.
func eachKind(t *testing.T, test func(t *testing.T, o object, d1, d2 *testDirector, block string)) {
	for name, o := range objects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			for _, d := range directors {
				for _, c := range o.needs {
					d.change(c.Kind, c.Key, c.Value)
				}
			}
			test(t, o, directors["d1"], directors["d2"], providerBlock(directors))
		})
	}
}

func run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: steps})
}

// saying is an error text, whose lines Terraform breaks wherever it likes.
func saying(text string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`))
}

func status(o object, director, state string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(o.address, tfjsonpath.New("director_status").AtMapKey(director).AtMapKey("state"), knownvalue.StringExact(state))
}

func planned(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func noChanges() resource.ConfigPlanChecks { return planned(plancheck.ExpectEmptyPlan()) }

func groupOfOne(weight int) spec.RealServerGroup {
	return spec.RealServerGroup{Servers: map[string]spec.RealServer{"192.0.2.21:80": {Weight: weight}}}
}

// inside returns what stands at a path like sysctls/conntrack.
func inside(tree any, at string) any {
	for name := range strings.SplitSeq(at, "/") {
		object, _ := tree.(map[string]any)
		tree = object[name]
	}
	return tree
}

// keptOutOfState checks that nothing of a state has any of the texts in it.
func keptOutOfState(secrets ...string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		text, err := json.Marshal(s)
		for _, secret := range secrets {
			if err == nil && strings.Contains(string(text), secret) {
				err = fmt.Errorf("the state has %q in it: %s", secret, text)
			}
		}
		return err
	}
}
