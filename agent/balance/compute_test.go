package balance

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs/ipvstest"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestComputeFollowsServiceAndVerdict(t *testing.T) {
	t.Parallel()
	scheduler := func(name string) func(*spec.VirtualServer) {
		return func(v *spec.VirtualServer) { v.Scheduler = name }
	}
	for _, test := range []struct {
		name    string
		desired spec.Desired
		verdict Verdict
		want    string
	}{
		{"a server that is up has its weight", web(a, 3), Up, "-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3\n"},
		{"one that is down has none", web(a, 3), Down, "-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0\n"},
		{"one that is unknown is absent", web(a, 3), Unknown, "-A -t 192.0.2.100:80 -s wrr\n"},
		{"without a check it is up", plain(a, 3), Up, "-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 3\n"},
		{"dh would go on sending", with(web(a, 3), scheduler("dh")), Down, "-A -t 192.0.2.100:80 -s dh\n"},
		{"sh would go on sending", with(web(a, 3), scheduler("sh")), Down, "-A -t 192.0.2.100:80 -s sh\n"},
		{"mh would go on sending", with(web(a, 3), scheduler("mh")), Down, "-A -t 192.0.2.100:80 -s mh\n"},
		{
			"UDP flows would stay", with(web(a, 3), func(v *spec.VirtualServer) { v.Protocol = spec.UDP }), Down,
			"-A -u 192.0.2.100:80 -s wrr\n",
		},
		{
			"SCTP associations may finish", with(web(a, 3), func(v *spec.VirtualServer) { v.Protocol = spec.SCTP }), Down,
			"-A --sctp-service 192.0.2.100:80 -s wrr\n-a --sctp-service 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0\n",
		},
		{
			"a tunnel of IPv6", with(plain("[2001:db8::21]:80", 1), func(v *spec.VirtualServer) {
				v.Address, v.ForwardingMethod = netip.MustParseAddr("2001:db8::100"), spec.Tunnel
			}), Up,
			"-A -t [2001:db8::100]:80 -s wrr\n-a -t [2001:db8::100]:80 -r [2001:db8::21]:80 -i -w 1 --tun-type ipip\n",
		},
		{
			"translation to another port", with(plain("192.0.2.21:8080", 1), func(v *spec.VirtualServer) { v.ForwardingMethod = spec.NAT }), Up,
			"-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:8080 -m -w 1\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var state memories
			for key := range test.desired.RealServers.All() {
				// One that was up before, so that it is in the table to be down in it.
				state.servers = map[string]map[netip.AddrPort]memory{key.VirtualServer: {key.Address: {last: test.verdict, joined: test.verdict != Unknown}}}
			}
			got := Compute(test.desired, state)
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHoldIsWhatIsWantedWhereNobodyElseWrites(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		base, want := ipvstest.Table(r), ipvstest.Table(r)
		if diff := cmp.Diff(want.String(), hold(base, base, want).String()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// Whatever others did to our services stays, as long as we want nothing new.
func TestHoldLeavesEverythingWhileNothingChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 3))
		want, actual := ipvstest.Table(r), ipvstest.Table(r)
		for key := range actual {
			if _, ours := want[key]; !ours {
				delete(actual, key)
			}
		}
		if diff := cmp.Diff(actual.String(), hold(want, actual, want).String()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func TestHoldKeepsOthersChangesBesideOurs(t *testing.T) {
	t.Parallel()
	base := table("192.0.2.100:80 wrr", "192.0.2.21:80 1", "192.0.2.22:80 1", "192.0.2.23:80 1")
	actual := table("192.0.2.100:80 lc", "192.0.2.21:80 9", "192.0.2.22:80 9", "192.0.2.99:80 1")
	want := table("192.0.2.100:80 wrr", "192.0.2.21:80 5", "192.0.2.22:80 1", "192.0.2.23:80 1", "192.0.2.24:80 1")
	const held = `-A -t 192.0.2.100:80 -s lc
-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5
-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 9
-a -t 192.0.2.100:80 -r 192.0.2.24:80 -g -w 1
-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1
`
	if diff := cmp.Diff(held, hold(base, actual, want).String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// table makes a table of one service, "address scheduler", and its servers, "address weight".
func table(service string, servers ...string) ipvs.Table {
	address, scheduler, _ := strings.Cut(service, " ")
	s := ipvs.Service{Options: ipvs.Options{Scheduler: scheduler}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	for _, server := range servers {
		address, weight, _ := strings.Cut(server, " ")
		s.Destinations[netip.MustParseAddrPort(address)] = ipvs.Destination{
			Forwarding: ipvs.DirectRouting, Weight: uint32(weight[0] - '0'),
		}
	}
	return ipvs.Table{tcp(address): s}
}

func TestDifferencesNameServiceServerAndField(t *testing.T) {
	t.Parallel()
	want := table("192.0.2.100:80 wrr", "192.0.2.21:80 1", "192.0.2.22:80 1", "192.0.2.23:80 1")
	want[tcp("192.0.2.100:81")] = ipvs.Service{Options: ipvs.Options{Scheduler: "rr"}}
	key := tcp("192.0.2.100:80")
	actual := table("192.0.2.100:80 sh", "192.0.2.21:80 5", "192.0.2.22:80 1", "192.0.2.99:80 1")
	changed := actual[key]
	changed.Flags = ipvs.OnePacket | ipvs.SchedulerF2
	changed.Persistence = ipvs.Persistence{Timeout: 300, PrefixLength: 24, Engine: "sip"}
	changed.Destinations[netip.MustParseAddrPort(b)] = ipvs.Destination{Forwarding: ipvs.NAT, Weight: 1, UpperThreshold: 9, LowerThreshold: 3}
	actual[key] = changed
	actual[tcp("192.0.2.200:80")] = ipvs.Service{} // somebody else's

	service := func(field, actual, want string) spec.Drift {
		return spec.Drift{Kind: spec.KindVirtualServer, Name: "web", Field: field, Actual: actual, Want: want}
	}
	server := func(address, field, actual, want string) spec.Drift {
		return spec.Drift{Kind: spec.KindRealServer, Name: "web", Server: address, Field: field, Actual: actual, Want: want}
	}
	wantDrift := []spec.Drift{
		service("scheduler", "sh", "wrr"),
		service("scheduler_flags", "sh-port", "none"),
		service("one_packet", "true", "false"),
		service("persistence", "300s/24 sip", "none"),
		server(a, "weight", "5", "1"),
		server(b, "forwarding_method", "nat", "dr"),
		server(b, "upper_threshold", "9", "0"),
		server(b, "lower_threshold", "3", "0"),
		server("192.0.2.23:80", "present", "false", "true"),
		server("192.0.2.99:80", "present", "true", "false"),
		{Kind: spec.KindVirtualServer, Name: "tcp/192.0.2.100:81", Field: "present", Actual: "false", Want: "true"},
	}
	got := differences(actual, want, map[ipvs.ServiceKey]string{key: "web"})
	if diff := cmp.Diff(wantDrift, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
}

// What Diff would write and what differences names is there or not there together.
func TestDifferencesAreNamedWhereverThereAreAny(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 4))
		actual, want := ipvstest.Table(r), ipvstest.Table(r)
		if r.IntN(3) == 0 {
			actual = want
		}
		for key := range actual {
			if _, ours := want[key]; !ours {
				delete(actual, key)
			}
		}
		if ops, named := ipvs.Diff(actual, want), differences(actual, want, nil); (len(ops) == 0) != (len(named) == 0) {
			t.Fatalf("seed %d: operations %v, named %v", seed, ops, named)
		}
	}
}
