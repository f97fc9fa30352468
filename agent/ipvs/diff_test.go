package ipvs_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs/ipvstest"
)

func TestDiffIsWhatAnOperatorWouldType(t *testing.T) {
	t.Parallel()
	const a, b, c = "192.0.2.21:80", "192.0.2.22:80", "192.0.2.23:80"
	web, moved := key(ipvs.TCP, "192.0.2.100:80"), key(ipvs.TCP, "192.0.2.101:80")
	wrr := ipvs.Options{Scheduler: "wrr"}
	dr := func(weight uint32) ipvs.Destination {
		return ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: weight}
	}
	for _, test := range []struct {
		name            string
		actual, desired ipvs.Table
		want            []string
	}{
		{name: "nothing for nothing"},
		{
			name:    "nothing for equal tables",
			actual:  ipvs.Table{web: service(wrr, a, dr(1))},
			desired: ipvs.Table{web: service(wrr, a, dr(1))},
		},
		{
			name:    "a service comes with its servers",
			desired: ipvs.Table{web: service(wrr, b, dr(2), a, dr(1))},
			want: []string{
				"ipvsadm -A -t 192.0.2.100:80 -s wrr",
				"ipvsadm -a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
				"ipvsadm -a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2",
			},
		},
		{
			name:    "one weight is one edit",
			actual:  ipvs.Table{web: service(wrr, a, dr(1), b, dr(1))},
			desired: ipvs.Table{web: service(wrr, a, dr(1), b, dr(5))},
			want:    []string{"ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 5"},
		},
		{
			name:    "a scheduler is edited in place and leaves the servers alone",
			actual:  ipvs.Table{web: service(wrr, a, dr(1))},
			desired: ipvs.Table{web: service(ipvs.Options{Scheduler: "mh", Flags: ipvs.SchedulerF2}, a, dr(1))},
			want:    []string{"ipvsadm -E -t 192.0.2.100:80 -s mh -b mh-port"},
		},
		{
			name:    "servers take connections before others stop, and stop before others go",
			actual:  ipvs.Table{web: service(wrr, a, dr(1), b, dr(0), c, dr(1))},
			desired: ipvs.Table{web: service(wrr, a, dr(0), b, dr(1))},
			want: []string{
				"ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1",
				"ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0",
				"ipvsadm -d -t 192.0.2.100:80 -r 192.0.2.23:80",
			},
		},
		{
			name:    "a service that moves is there before it is gone, and its servers go with it",
			actual:  ipvs.Table{web: service(wrr, a, dr(1))},
			desired: ipvs.Table{moved: service(wrr, a, dr(1))},
			want: []string{
				"ipvsadm -A -t 192.0.2.101:80 -s wrr",
				"ipvsadm -a -t 192.0.2.101:80 -r 192.0.2.21:80 -g -w 1",
				"ipvsadm -D -t 192.0.2.100:80",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, op := range ipvs.Diff(test.actual, test.desired) {
				got = append(got, op.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffTurnsAnyTableIntoAnyOther(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5000) {
		checkDiff(t, seed)
	}
}

func FuzzDiff(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkDiff)
}

// checkDiff holds everything that is said of Diff against the pair of tables of a seed.
func checkDiff(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	actual, desired := ipvstest.Table(r), ipvstest.Table(r)
	ops := ipvs.Diff(actual, desired)

	fake := fakeWith(actual)
	if _, err := fake.Apply(t.Context(), ops); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if diff := cmp.Diff(desired.String(), fake.String()); diff != "" {
		t.Fatalf("seed %d: table (-want +got):\n%s", seed, diff)
	}
	if again := ipvs.Diff(desired, desired); len(again) != 0 {
		t.Fatalf("seed %d: equal tables differ by %v", seed, again)
	}
	if same := ipvs.Diff(actual, desired); !cmp.Equal(ops, same, cmp.Comparer(equalOps)) {
		t.Fatalf("seed %d: two answers:\n%v\n%v", seed, ops, same)
	}
	if got, want := len(ops), differences(actual, desired); got != want {
		t.Fatalf("seed %d: %d operations for %d differences:\n%v", seed, got, want, ops)
	}
	checkNeverEmpty(t, seed, actual, desired, ops)
}

func equalOps(a, b ipvs.Op) bool { return a == b }

// differences counts what cannot be the same with fewer operations: a service that comes or goes, its
// options, each server of a service that stays or comes.
func differences(actual, desired ipvs.Table) (n int) {
	for k := range actual {
		if _, ok := desired[k]; !ok {
			n++
		}
	}
	for k, want := range desired {
		have, ok := actual[k]
		if !ok || have.Options != want.Options {
			n++
		}
		for server, d := range want.Destinations {
			if is, ok := have.Destinations[server]; !ok || is != d {
				n++
			}
		}
		for server := range have.Destinations {
			if _, ok := want.Destinations[server]; !ok {
				n++
			}
		}
	}
	return n
}

// checkNeverEmpty carries the operations out one at a time and looks after each for a service that
// takes no connections, though it does so before and after.
func checkNeverEmpty(t *testing.T, seed uint64, actual, desired ipvs.Table, ops []ipvs.Op) {
	fake := fakeWith(actual)
	for _, op := range ops {
		if _, err := fake.Apply(t.Context(), []ipvs.Op{op}); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		now, _, _ := fake.Read(t.Context())
		for k := range desired {
			if takes(actual[k]) && takes(desired[k]) && !takes(now[k]) {
				t.Fatalf("seed %d: after %s nothing takes connections to %s:\n%s", seed, op, k, now)
			}
		}
	}
}

func takes(s ipvs.Service) bool {
	for _, d := range s.Destinations {
		if d.Weight > 0 {
			return true
		}
	}
	return false
}

func fakeWith(t ipvs.Table) *ipvs.Fake {
	fake := ipvs.NewFake()
	fake.Edit(func(table ipvs.Table) {
		for k, s := range t.Clone() {
			if s.Destinations == nil {
				s.Destinations = map[netip.AddrPort]ipvs.Destination{}
			}
			table[k] = s
		}
	})
	return fake
}

func ExampleDiff() {
	actual := ipvs.Table{key(ipvs.TCP, "192.0.2.100:80"): service(ipvs.Options{Scheduler: "rr"})}
	desired := ipvs.Table{key(ipvs.TCP, "192.0.2.100:80"): service(ipvs.Options{Scheduler: "wlc"},
		"192.0.2.21:80", ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 1})}
	fmt.Println(strings.Trim(fmt.Sprint(ipvs.Diff(actual, desired)), "[]"))
	// Output: ipvsadm -E -t 192.0.2.100:80 -s wlc ipvsadm -a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1
}
