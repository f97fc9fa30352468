package kerneltest

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// everySort is a service of every sort, with what an operator may change behind the agent's back.
func everySort() spec.Desired {
	server := func(v spec.RealServer, edit func(*spec.RealServer)) spec.RealServer {
		edit(&v)
		return v
	}
	service := func(edit func(*spec.VirtualServer)) spec.VirtualServer {
		v := spec.DefaultVirtualServer()
		edit(&v)
		return v
	}
	key := func(service, address string) spec.ServerKey {
		return spec.ServerKey{VirtualServer: service, Address: netip.MustParseAddrPort(address)}
	}
	return spec.Desired{
		VirtualServers: map[string]spec.VirtualServer{
			"web": service(func(v *spec.VirtualServer) {
				v.Address, v.Port, v.Scheduler, v.ForwardingMethod = netip.MustParseAddr("192.0.2.100"), 80, "wrr", spec.DirectRouting
			}),
			"dns": service(func(v *spec.VirtualServer) {
				v.Address, v.Port, v.Protocol, v.Scheduler, v.ForwardingMethod = netip.MustParseAddr("192.0.2.100"), 53, spec.UDP, "rr", spec.NAT
				v.OnePacket = true
			}),
			"marked": service(func(v *spec.VirtualServer) {
				v.FirewallMark, v.Family, v.ForwardingMethod = 7, spec.IPv4, spec.DirectRouting
				v.Persistence = &spec.Persistence{Timeout: spec.Duration(5 * time.Minute), PrefixLength: 24}
			}),
			"six": service(func(v *spec.VirtualServer) {
				v.Address, v.Port, v.Scheduler, v.ForwardingMethod = netip.MustParseAddr("2001:db8::100"), 80, "sh", spec.Tunnel
				v.SchedulerFlags = []string{"sh-port"}
				v.Tunnel = &spec.TunnelOptions{Type: spec.GUE, Port: 6080, Checksum: spec.Checksum}
			}),
		},
		RealServers: spec.CollectServers(maps.All(map[spec.ServerKey]spec.RealServer{
			key("web", first):  spec.DefaultRealServer(),
			key("web", second): server(spec.DefaultRealServer(), func(v *spec.RealServer) { v.Weight = 2 }),
			key("dns", "192.0.2.21:53"): server(spec.DefaultRealServer(), func(v *spec.RealServer) {
				v.UpperThreshold, v.LowerThreshold = 10, 5
			}),
			key("marked", "192.0.2.21:0"):   spec.DefaultRealServer(),
			key("six", "[2001:db8::21]:80"): spec.DefaultRealServer(),
		})),
	}
}

// behind is what an operator may do behind the agent's back, and what it is to be called.
var behind = map[string][]string{
	// Another scheduler, persistence or flags.
	"-E -t 192.0.2.100:80 -s rr":                            {"virtual_server web scheduler=rr, want wrr"},
	"-E -t 192.0.2.100:80 -s wrr -p 60":                     {"virtual_server web persistence=60s/32, want none"},
	"-E -t 192.0.2.100:80 -s mh -b mh-port":                 {"virtual_server web scheduler=mh, want wrr", "virtual_server web scheduler_flags=mh-port, want none"},
	"-E -u 192.0.2.100:53 -s rr":                            {"virtual_server dns one_packet=false, want true"},
	"-E -u 192.0.2.100:53 -s lc -o":                         {"virtual_server dns scheduler=lc, want rr"},
	"-E -f 7 -s wlc":                                        {"virtual_server marked persistence=none, want 300s/24"},
	"-E -f 7 -s wlc -p 60 -M 255.255.255.0":                 {"virtual_server marked persistence=60s/24, want 300s/24"},
	"-E -f 7 -s wlc -p 300":                                 {"virtual_server marked persistence=300s/32, want 300s/24"},
	"-E -f 7 -s sed -p 300 -M 255.255.255.0":                {"virtual_server marked scheduler=sed, want wlc"},
	"-E -t [2001:db8::100]:80 -s sh":                        {"virtual_server six scheduler_flags=none, want sh-port"},
	"-E -t [2001:db8::100]:80 -s sh -b sh-port,sh-fallback": {"virtual_server six scheduler_flags=sh-fallback,sh-port, want sh-port"},
	// Another weight, method, threshold or tunnel.
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 9":                                                   {"real_server web 192.0.2.22:80 weight=9, want 2"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 0":                                                   {"real_server web 192.0.2.22:80 weight=0, want 2"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 70000":                                               {"real_server web 192.0.2.22:80 weight=70000, want 2"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -m -w 2":                                                   {"real_server web 192.0.2.22:80 forwarding_method=nat, want dr"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 2":                                                   {"real_server web 192.0.2.22:80 forwarding_method=tunnel, want dr", "real_server web 192.0.2.22:80 tunnel=ipip, want none"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2 -x 5":                                              {"real_server web 192.0.2.22:80 upper_threshold=5, want 0"},
	"-e -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 2 -x 5 -y 2":                                         {"real_server web 192.0.2.22:80 upper_threshold=5, want 0", "real_server web 192.0.2.22:80 lower_threshold=2, want 0"},
	"-e -u 192.0.2.100:53 -r 192.0.2.21:53 -m -w 1":                                                   {"real_server dns 192.0.2.21:53 upper_threshold=0, want 10", "real_server dns 192.0.2.21:53 lower_threshold=0, want 5"},
	"-e -u 192.0.2.100:53 -r 192.0.2.21:53 -m -w 1 -x 20 -y 5":                                        {"real_server dns 192.0.2.21:53 upper_threshold=20, want 10"},
	"-e -u 192.0.2.100:53 -r 192.0.2.21:53 -m -w 1 -x 10 -y 6":                                        {"real_server dns 192.0.2.21:53 lower_threshold=6, want 5"},
	"-e -f 7 -r 192.0.2.21 -m -w 1":                                                                   {"real_server marked 192.0.2.21:0 forwarding_method=nat, want dr"},
	"-e -t [2001:db8::100]:80 -r [2001:db8::21]:80 -i -w 1":                                           {"real_server six [2001:db8::21]:80 tunnel=ipip, want gue 6080 checksum"},
	"-e -t [2001:db8::100]:80 -r [2001:db8::21]:80 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum": {"real_server six [2001:db8::21]:80 tunnel=gue 6081 checksum, want gue 6080 checksum"},
	"-e -t [2001:db8::100]:80 -r [2001:db8::21]:80 -i -w 1 --tun-type gue --tun-port 6080":            {"real_server six [2001:db8::21]:80 tunnel=gue 6080, want gue 6080 checksum"},
	"-e -t [2001:db8::100]:80 -r [2001:db8::21]:80 -i -w 1 --tun-type gre --tun-csum":                 {"real_server six [2001:db8::21]:80 tunnel=gre checksum, want gue 6080 checksum"},
	// Servers and services that come and go.
	"-d -t 192.0.2.100:80 -r 192.0.2.22:80":         {"real_server web 192.0.2.22:80 present=false, want true"},
	"-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1": {"real_server web 192.0.2.99:80 present=true, want false"},
	"-a -u 192.0.2.100:53 -r 192.0.2.99:5353 -m":    {"real_server dns 192.0.2.99:5353 present=true, want false"},
	"-d -f 7 -r 192.0.2.21":                         {"real_server marked 192.0.2.21:0 present=false, want true"},
	"-D -t 192.0.2.100:80":                          {"virtual_server web present=false, want true"},
	"-D -f 7":                                       {"virtual_server marked present=false, want true"},
	"-D -t [2001:db8::100]:80":                      {"virtual_server six present=false, want true"},
	"-C": {
		"virtual_server dns present=false, want true", "virtual_server marked present=false, want true",
		"virtual_server six present=false, want true", "virtual_server web present=false, want true",
	},
}

func (d *director) drift() []string {
	_, _, all := d.Status(d.t.Context())
	lines := []string{}
	for _, one := range all {
		if one.Repaired.IsZero() {
			name := one.Name
			if one.Server != "" {
				name += " " + one.Server
			}
			lines = append(lines, string(one.Kind)+" "+name+" "+one.Field+"="+one.Actual+", want "+one.Want)
		}
	}
	slices.Sort(lines)
	return lines
}

// Under the policy Report drift is named and stays, until somebody asks for what is wanted.
func TestWhatIsChangedBehindOurBackIsNamedAndLeft(t *testing.T) {
	d := newDirectorWith(t, balance.Report)
	d.sync(everySort())
	whole := d.ipvsadm("-Sn")
	for command, want := range behind {
		t.Run(command, func(t *testing.T) {
			d.t = t
			d.ipvsadm(command)
			changed := d.ipvsadm("-Sn")
			want := slices.Sorted(slices.Values(want))
			got := d.drift()
			for deadline := time.Now().Add(20 * time.Second); !slices.Equal(got, want) && time.Now().Before(deadline); got = d.drift() {
				time.Sleep(20 * time.Millisecond)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("drift (-want +got):\n%s", diff)
			}
			time.Sleep(2 * resync)
			if diff := cmp.Diff(changed, d.ipvsadm("-Sn")); diff != "" {
				t.Errorf("the agent wrote (-before +after):\n%s", diff)
			}
			d.sync(everySort())
			d.wants(whole)
		})
	}
}

// Under the policy Repair it is counted by what it is, and put right.
func TestWhatIsChangedBehindOurBackIsRepaired(t *testing.T) {
	d := newDirector(t)
	d.sync(everySort())
	whole := d.ipvsadm("-Sn")
	for command, want := range behind {
		t.Run(command, func(t *testing.T) {
			d.t = t
			counted := func() (n uint64) {
				for _, of := range d.Metrics().Drift {
					n += of
				}
				return n
			}
			before := counted()
			d.ipvsadm(command)
			// ipvsadm -Sn does not print thresholds: what is counted tells that the change was seen.
			for deadline := time.Now().Add(20 * time.Second); counted() == before && time.Now().Before(deadline); {
				time.Sleep(20 * time.Millisecond)
			}
			d.wants(whole)
			if diff := cmp.Diff([]string{}, d.drift()); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
			if got := counted() - before; got != uint64(len(want)) {
				t.Errorf("%d differences were counted, want %d", got, len(want))
			}
		})
	}
}
