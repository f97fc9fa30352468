package provider

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestEachMemberGetsItsOwnPriorityAndInterface(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2", "d3")
	config := providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24", "192.0.2.101/32"]
  members = {
    d1 = { priority = 150 }
    d2 = { interface = "bond0" }
  }
}`
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				for name, want := range map[string]struct {
					on       string
					priority int
				}{"d1": {"eth0", 150}, "d2": {"bond0", 100}} {
					got, ok := directors[name].store.Desired().VRRPInstances["web"]
					if !ok || got.Interface != want.on || got.Priority != want.priority {
						t.Errorf("%s has %+v, want %+v", name, got, want)
					}
				}
				if n := len(directors["d3"].store.Desired().VRRPInstances); n != 0 {
					t.Error("d3 has it, and is no member")
				}
			},
			Config: config, ConfigPlanChecks: noChanges(),
		},
		// A member's own value belongs to one director: another one shows at the member.
		resource.TestStep{
			PreConfig: func() {
				v := directors["d1"].store.Desired().VRRPInstances["web"]
				v.Priority = 90
				directors["d1"].change(spec.KindVRRPInstance, "web", v)
			},
			Config: config, ConfigPlanChecks: planned(before{"lvs_vrrp_instance.test", []string{"members", "d1", "priority"}, "90"}),
		},
		resource.TestStep{
			ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name",
			// Which of two interfaces is the rule and which the exception, nobody can tell.
			ImportStateVerifyIgnore: []string{"interface", "members.d1.interface", "members.d2.interface"},
		},
	)
}

func TestSingleDirectorNeedsNoMembers(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, "d1")["d1"]
	block := "provider \"lvs\" {\n  endpoint = \"" + d.url + "\"\n}\n"
	with := func(line string) string {
		return block + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  ` + line + `
}`
	}
	run(t,
		resource.TestStep{Config: with("")},
		resource.TestStep{ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		resource.TestStep{Config: with("priority = 200")},
		resource.TestStep{
			PreConfig: func() {
				if got := d.store.Desired().VRRPInstances["web"].Priority; got != 200 {
					t.Errorf("priority is %d, want 200", got)
				}
			},
			Config: with("priority = 200"), ConfigPlanChecks: noChanges(),
		},
		resource.TestStep{Config: with("members = { default = { priority = 200 } }")},
		resource.TestStep{Config: with("members = { default = { priority = 200 } }"), ConfigPlanChecks: noChanges()},
	)
}

func TestAnnouncementsHaveDefaultsOfTheirOwn(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(line string) string {
		return providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = {}, d2 = { priority = 90 } }
  ` + line + `
}`
	}
	has := func(want func(*spec.GARP)) func() {
		return func() {
			expected := spec.DefaultGARP()
			want(&expected)
			for name, d := range directors {
				if diff := cmp.Diff(expected, d.store.Desired().VRRPInstances["web"].GARP); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		}
	}
	refreshed := `garp = { repeat = 2, refresh = "1m0s" }`
	run(t,
		resource.TestStep{Config: with(`garp = { refresh = "10ms" }`), ExpectError: saying("10ms is out of range")},
		resource.TestStep{Config: with("")},
		resource.TestStep{PreConfig: has(func(*spec.GARP) {}), Config: with(""), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with(refreshed)},
		resource.TestStep{
			PreConfig: has(func(g *spec.GARP) { g.Repeat, g.Refresh = 2, spec.Duration(time.Minute) }),
			Config:    with(refreshed), ConfigPlanChecks: noChanges(),
		},
		resource.TestStep{
			ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name",
		},
		resource.TestStep{Config: with("garp = {}")},
		resource.TestStep{PreConfig: has(func(*spec.GARP) {}), Config: with(""), ConfigPlanChecks: noChanges()},
	)
}

func TestAddressesOutsideAdvertsAndRoutes(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(line string) string {
		return providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = {}, d2 = { priority = 90, interface = "eth1" } }
  ` + line + `
}`
	}
	some := `
  excluded_addresses = [{ address = "198.51.100.1/24" }, { address = "2001:DB8::1/64", interface = "inside" }]
  virtual_routes     = [{ destination = "0.0.0.0/0", via = "192.0.2.1", source = "192.0.2.100", metric = 50, table = 100 }, { destination = "2001:db8:1::/48", interface = "inside" }]`
	run(t,
		resource.TestStep{Config: with(`excluded_addresses = [{ address = "192.0.2.100/32" }]`), ExpectError: saying("192.0.2.100 stands twice among the instance's addresses")},
		resource.TestStep{Config: with(`virtual_routes = [{ destination = "198.51.100.1/24" }]`), ExpectError: saying("has bits behind its prefix length: write 198.51.100.0/24")},
		resource.TestStep{Config: with(some)},
		resource.TestStep{
			PreConfig: func() {
				want := []spec.ExcludedAddress{
					{Address: netip.MustParsePrefix("198.51.100.1/24")},
					{Address: netip.MustParsePrefix("2001:db8::1/64"), Interface: "inside"},
				}
				routes := []spec.VirtualRoute{
					{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.1"), Source: netip.MustParseAddr("192.0.2.100"), Metric: 50, Table: 100},
					{Destination: netip.MustParsePrefix("2001:db8:1::/48"), Interface: "inside"},
				}
				for name, d := range directors {
					v := d.store.Desired().VRRPInstances["web"]
					if !slices.Equal(v.ExcludedAddresses, want) || !slices.Equal(v.VirtualRoutes, routes) {
						t.Errorf("%s has %v and %v", name, v.ExcludedAddresses, v.VirtualRoutes)
					}
				}
			},
			Config: with(some), ConfigPlanChecks: noChanges(),
		},
		resource.TestStep{
			ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name",
			ImportStateVerifyIgnore:              []string{"interface", "members.d1.interface", "members.d2.interface", "excluded_addresses.1.address"},
		},
		resource.TestStep{Config: with("excluded_addresses = []")},
		resource.TestStep{Config: with("excluded_addresses = []"), ConfigPlanChecks: noChanges()},
	)
}

func TestTrackedScriptsMayBeNoneInTwoWays(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(line string) string {
		return providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = {}, d2 = { priority = 90 } }
  ` + line + `
}`
	}
	run(t,
		resource.TestStep{Config: with("track_scripts = {}")},
		resource.TestStep{Config: with("track_scripts = {}"), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with("")},
		resource.TestStep{Config: with(""), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with(`track_scripts = { gateway = {} }`), ExpectError: saying(`check script "gateway" does not exist on this director: create it first`)},
	)
}
