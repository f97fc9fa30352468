package provider

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// instanceBetween is an instance of d1 and d2 with further lines, at the top and in the members.
func instanceBetween(directors map[string]*testDirector, lines, d1, d2 string) string {
	return providerBlock(directors) + fmt.Sprintf(`
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  %s
  members = {
    d1 = { priority = 150, %s }
    d2 = { priority = 100, %s }
  }
}`, lines, d1, d2)
}

const anAddress = `virtual_addresses = ["192.0.2.100/24"]` + "\n"

// stored compares what the directors have been asked for.
func stored(t *testing.T, directors map[string]*testDirector, want func(spec.VRRPInstance) string, d1, d2 string) func() {
	return func() {
		t.Helper()
		for name, text := range map[string]string{"d1": d1, "d2": d2} {
			if diff := cmp.Diff(text, want(directors[name].store.Desired().VRRPInstances["web"])); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
	}
}

func TestPeersOfUnicastAreTheOtherMembers(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	d1, d2 := `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`
	tell := func(v spec.VRRPInstance) string {
		return fmt.Sprint(v.UnicastSource, v.UnicastPeers, v.UnicastTTL, v.UnicastMinimumTTL)
	}
	on := instanceBetween(directors, anAddress+"unicast = true", d1, d2)
	routed := instanceBetween(directors, anAddress+"unicast = true\nunicast_ttl = 64\nunicast_minimum_ttl = 63", d1, d2)
	off := instanceBetween(directors, anAddress, d1, d2)
	run(t,
		resource.TestStep{Config: on},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "192.0.2.11 [192.0.2.12] 255 0", "192.0.2.12 [192.0.2.11] 255 0"),
			Config:    on, ConfigPlanChecks: noChanges(),
		},
		imported(),
		resource.TestStep{Config: routed},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "192.0.2.11 [192.0.2.12] 64 63", "192.0.2.12 [192.0.2.11] 64 63"),
			Config:    routed, ConfigPlanChecks: noChanges(),
		},
		imported(),
		// Somebody has given d2 another peer.
		resource.TestStep{
			PreConfig: func() {
				v := directors["d2"].store.Desired().VRRPInstances["web"]
				v.UnicastPeers = []netip.Addr{netip.MustParseAddr("192.0.2.99")}
				directors["d2"].change(spec.KindVRRPInstance, "web", v)
			},
			Config: routed, ConfigPlanChecks: planned(before{"lvs_vrrp_instance.test", []string{"director_status", "d2", "drift"}, "unicast_peers=[192.0.2.99], want [192.0.2.11]"}),
		},
		resource.TestStep{Config: off},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "invalid IP [] 255 0", "invalid IP [] 255 0"),
			Config:    off, ConfigPlanChecks: noChanges(),
		},
	)
}

// Some of the routers are not Terraform's, as while keepalived is being replaced.
func TestPeersOfUnicastMayBeNoMembers(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	d1, d2 := `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`
	tell := func(v spec.VRRPInstance) string { return fmt.Sprint(v.UnicastPeers) }
	with := func(lines string) string {
		return instanceBetween(directors, anAddress+"unicast = true\n"+lines, d1, d2)
	}
	additional := func(addresses ...string) func() {
		return func() {
			for name, member := range map[string]string{"d1": "192.0.2.12", "d2": "192.0.2.11"} {
				v := directors[name].store.Desired().VRRPInstances["web"]
				v.UnicastPeers = []netip.Addr{netip.MustParseAddr(member)}
				for _, a := range addresses {
					v.UnicastPeers = append(v.UnicastPeers, netip.MustParseAddr(a))
				}
				directors[name].change(spec.KindVRRPInstance, "web", v)
			}
		}
	}
	two, one := with(`additional_unicast_peers = ["192.0.2.14", "192.0.2.13"]`), with(`additional_unicast_peers = ["192.0.2.13"]`)
	peers := tfjsonpath.New("additional_unicast_peers")
	const instance = "lvs_vrrp_instance.test"
	run(t,
		resource.TestStep{Config: two},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "[192.0.2.12 192.0.2.14 192.0.2.13]", "[192.0.2.11 192.0.2.14 192.0.2.13]"),
			Config:    two, ConfigPlanChecks: noChanges(),
		},
		imported(),
		// The order says nothing. Another set is a change, which is undone.
		resource.TestStep{PreConfig: additional("192.0.2.13", "192.0.2.14"), RefreshState: true, ExpectNonEmptyPlan: true,
			Check: resource.TestCheckResourceAttr(instance, "additional_unicast_peers.0", "192.0.2.14")},
		resource.TestStep{Config: two},
		resource.TestStep{PreConfig: additional("192.0.2.99"), RefreshState: true, ExpectNonEmptyPlan: true,
			Check: resource.TestCheckResourceAttr(instance, "additional_unicast_peers.0", "192.0.2.99")},
		resource.TestStep{Config: one},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "[192.0.2.12 192.0.2.13]", "[192.0.2.11 192.0.2.13]"),
			Config:    one, ConfigPlanChecks: noChanges(),
		},
		resource.TestStep{Config: with(""), ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(instance, peers, knownvalue.Null())}},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "[192.0.2.12]", "[192.0.2.11]"),
			Config:    with("additional_unicast_peers = []"),
		},
		resource.TestStep{Config: with("additional_unicast_peers = []"), ConfigPlanChecks: noChanges()},
	)
}

func TestOneMemberMaySpeakWithRoutersThatAreNone(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := strings.Replace(instanceBetween(directors, anAddress+`unicast = true
  additional_unicast_peers = ["192.0.2.12"]`, `unicast_address = "192.0.2.11"`, "#gone"), "d2 = { priority = 100, #gone }", "", 1)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				if diff := cmp.Diff("[192.0.2.12]", fmt.Sprint(directors["d1"].store.Desired().VRRPInstances["web"].UnicastPeers)); diff != "" {
					t.Error(diff)
				}
			},
			Config: config, ConfigPlanChecks: noChanges(),
		},
		imported(),
	)
}

func TestUnicastIsRefusedWhereItCannotWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ lines, d1, d2, want string }{
		"a member without an address": {"unicast = true", `unicast_address = "192.0.2.11"`, "", `On d2: members["d2"].unicast_address: unicast needs an address`},
		"an address twice":            {"unicast = true", `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.11"`, "192.0.2.11 is the director's own unicast address"},
		"the other family":            {"unicast = true", `unicast_address = "2001:db8::11"`, `unicast_address = "192.0.2.12"`, "2001:db8::11 is IPv6, and the virtual addresses are IPv4"},
		"no address":                  {"unicast = true", `unicast_address = "d1"`, `unicast_address = "192.0.2.12"`, "Invalid IP Address"},
		"a peer without unicast":      {`additional_unicast_peers = ["192.0.2.13"]`, "", "", "peers are spoken to by unicast: set unicast = true"},
		"a peer that is a member":     {"unicast = true\nadditional_unicast_peers = [\"192.0.2.12\"]", `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`, "this is the unicast_address of member d2"},
		"a peer twice":                {"unicast = true\nadditional_unicast_peers = [\"192.0.2.13\", \"192.0.2.13\"]", `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`, "additional_unicast_peers[1]: 192.0.2.13 stands in the list twice"},
		"a peer of the other family":  {"unicast = true\nadditional_unicast_peers = [\"2001:db8::13\"]", `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`, "2001:db8::13 is IPv6, and the virtual addresses are IPv4"},
		"a peer that is no address":   {"unicast = true\nadditional_unicast_peers = [\"d3\"]", `unicast_address = "192.0.2.11"`, `unicast_address = "192.0.2.12"`, `"d3" is not an address: write 192.0.2.12`},
		"a TTL below the least":       {"unicast_ttl = 64\nunicast_minimum_ttl = 255", "", "", "255 is above unicast_ttl, which is 64"},
		"a TTL of 0":                  {"unicast_ttl = 0", "", "", "0 is out of range: use 1 to 255"},
		"version 1":                   {"version = 1", "", "", "1 is not known: use 2 or 3"},
		"half a second in version 2":  {"version = 2\nadvertisement_interval = \"500ms\"", "", "", "500ms is not whole seconds"},
		"an unknown checksum":         {`checksum_compatibility = "rfc1071"`, "", "", `"rfc1071" is not known: use one of rfc9568, rfc5798`},
		"a password in version 3":     {`auth_pass = "s3cret"`, "", "", "VRRP version 3 has no authentication"},
		"a password that is too long": {"version = 2\nauth_pass = \"123456789\"", "", "", "the password has 9 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			run(t, resource.TestStep{Config: instanceBetween(directors, anAddress+test.lines, test.d1, test.d2), PlanOnly: true, ExpectError: saying(test.want)})
		})
	}
}

func TestVersionAndChecksumAreSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	tell := func(v spec.VRRPInstance) string { return fmt.Sprint(v.Version, " ", v.ChecksumCompatibility) }
	plain := instanceBetween(directors, anAddress, "", "")
	compatible := instanceBetween(directors, anAddress+`checksum_compatibility = "rfc5798"`, "", "")
	old := instanceBetween(directors, anAddress+"version = 2", "", "")
	run(t,
		resource.TestStep{Config: plain},
		resource.TestStep{PreConfig: stored(t, directors, tell, "3 rfc9568", "3 rfc9568"), Config: compatible},
		resource.TestStep{PreConfig: stored(t, directors, tell, "3 rfc5798", "3 rfc5798"), Config: compatible, ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: old},
		resource.TestStep{PreConfig: stored(t, directors, tell, "2 rfc9568", "2 rfc9568"), Config: old, ConfigPlanChecks: noChanges()},
		imported(),
	)
}

func TestIPv6InstanceStandsBesideOneOfIPv4(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := instanceBetween(directors, anAddress, "", "") + `
resource "lvs_vrrp_instance" "six" {
  name              = "web6"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["fe80::33/64", "2001:DB8::100/64"]
  members           = { d1 = { priority = 150 }, d2 = {} }
}`
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			ResourceName: "lvs_vrrp_instance.six", ImportState: true, ImportStateId: "web6", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name", ImportStateVerifyIgnore: []string{"virtual_addresses"},
		},
	)
}

func TestPasswordIsGivenToDirectorsAndKeptNowhere(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(password string, version int, priority string) string {
		return strings.Replace(instanceBetween(directors, anAddress+fmt.Sprintf("version = 2\nauth_pass = %q\nauth_pass_version = %d", password, version), "", ""),
			"priority = 150", "priority = "+priority, 1)
	}
	tell := func(v spec.VRRPInstance) string { return fmt.Sprint(string(v.AuthPass), " ", v.AuthPassVersion) }
	run(t,
		resource.TestStep{Config: with("s3cret", 1, "150"), Check: keptOutOfState("s3cret")},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "s3cret 1", "s3cret 1"),
			Config:    with("s3cret", 1, "150"), ConfigPlanChecks: noChanges(),
		},
		// A change of something else keeps it.
		resource.TestStep{Config: with("s3cret", 1, "160"), Check: keptOutOfState("s3cret")},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "s3cret 1", "s3cret 1"),
			Config:    with("s3cret-2", 1, "160"), ConfigPlanChecks: noChanges(),
		},
		resource.TestStep{Config: with("s3cret-2", 2, "160"), Check: keptOutOfState("s3cret")},
		resource.TestStep{
			PreConfig: stored(t, directors, tell, "s3cret-2 2", "s3cret-2 2"),
			Config:    with("s3cret-2", 2, "160"), ConfigPlanChecks: noChanges(),
		},
		imported(),
	)
}
