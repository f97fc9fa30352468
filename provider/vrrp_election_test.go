package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// wholeInstance is an instance on two directors with some more lines.
func wholeInstance(directors map[string]*testDirector, lines string) string {
	return providerBlock(directors) + `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 255 }, d2 = { priority = 90 } }
  ` + lines + `
}`
}

func imported() resource.TestStep {
	return resource.TestStep{
		ResourceName: "lvs_vrrp_instance.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
	}
}

func TestPreemptionIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	has := func(preempt bool, delay string) func() {
		return func() {
			for name, d := range directors {
				if got := d.store.Desired().VRRPInstances["web"]; got.Preempt != preempt || got.PreemptDelay.String() != delay {
					t.Errorf("%s has preempt %t and preempt_delay %s, want %t and %s", name, got.Preempt, got.PreemptDelay, preempt, delay)
				}
			}
		}
	}
	delayed, never := wholeInstance(directors, `preempt_delay = "1m0s"`), wholeInstance(directors, `preempt = false`)
	run(t,
		resource.TestStep{Config: delayed},
		resource.TestStep{PreConfig: has(true, "1m0s"), Config: delayed, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: never},
		resource.TestStep{PreConfig: has(false, "0s"), Config: never, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: wholeInstance(directors, "")},
		resource.TestStep{PreConfig: has(true, "0s"), Config: wholeInstance(directors, ""), ConfigPlanChecks: noChanges()},
	)
}

func TestVirtualMACAndAcceptModeAreSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	has := func(want bool) func() {
		return func() {
			for name, d := range directors {
				if got := d.store.Desired().VRRPInstances["web"]; got.VirtualMAC != want || got.AcceptMode == want {
					t.Errorf("%s has virtual_mac %t and accept_mode %t, want %t and %t", name, got.VirtualMAC, got.AcceptMode, want, !want)
				}
			}
		}
	}
	with, without := wholeInstance(directors, "virtual_mac = true\n  accept_mode = false"), wholeInstance(directors, "")
	run(t,
		resource.TestStep{Config: with},
		resource.TestStep{PreConfig: has(true), Config: with, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: without},
		resource.TestStep{PreConfig: has(false), Config: without, ConfigPlanChecks: noChanges()},
	)
}

func TestWhatIsTrackedIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(lines string) string {
		return wholeInstance(directors, lines) + `
resource "lvs_virtual_server" "test" {
  name              = "www"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}`
	}
	has := func(interfaces, services map[string]spec.Track) func() {
		return func() {
			for name, d := range directors {
				got := d.store.Desired().VRRPInstances["web"]
				if diff := cmp.Diff(interfaces, got.TrackInterfaces); diff != "" {
					t.Errorf("interfaces on %s (-want +got):\n%s", name, diff)
				}
				if diff := cmp.Diff(services, got.TrackVirtualServers); diff != "" {
					t.Errorf("virtual servers on %s (-want +got):\n%s", name, diff)
				}
			}
		}
	}
	first := with(`track_interfaces      = { eth1 = {}, "eth0.7" = { weight = -20, inverse = true } }
  track_virtual_servers = { (lvs_virtual_server.test.name) = { weight = 20 } }`)
	second := with(`track_virtual_servers = { (lvs_virtual_server.test.name) = { inverse = true } }`)
	run(t,
		resource.TestStep{Config: first},
		resource.TestStep{
			PreConfig: has(map[string]spec.Track{"eth1": {}, "eth0.7": {Weight: -20, Inverse: true}}, map[string]spec.Track{"www": {Weight: 20}}),
			Config:    first, ConfigPlanChecks: noChanges(),
		},
		imported(),
		resource.TestStep{Config: second},
		resource.TestStep{PreConfig: has(nil, map[string]spec.Track{"www": {Inverse: true}}), Config: second, ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: wholeInstance(directors, "")},
		resource.TestStep{PreConfig: has(nil, nil), Config: wholeInstance(directors, ""), ConfigPlanChecks: noChanges()},
		resource.TestStep{
			Config:      wholeInstance(directors, `track_virtual_servers = { mail = {} }`),
			ExpectError: saying(`virtual server "mail" does not exist on this director: create it first`),
		},
	)
}

func TestSyncGroupIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	has := func(group string) func() {
		return func() {
			for name, d := range directors {
				if got := d.store.Desired().VRRPInstances["web"].SyncGroup; got != group {
					t.Errorf("%s has sync_group %q, want %q", name, got, group)
				}
			}
		}
	}
	first, second := wholeInstance(directors, `sync_group = "nat"`), wholeInstance(directors, `sync_group = "router"`)
	run(t,
		resource.TestStep{Config: wholeInstance(directors, `sync_group = "N A T"`), ExpectError: saying(`"N A T" is not a name`)},
		resource.TestStep{Config: first},
		resource.TestStep{PreConfig: has("nat"), Config: first, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: second},
		resource.TestStep{PreConfig: has("router"), Config: second, ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: wholeInstance(directors, "")},
		resource.TestStep{PreConfig: has(""), Config: wholeInstance(directors, ""), ConfigPlanChecks: noChanges()},
	)
}
