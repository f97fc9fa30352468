package balance

import (
	"net/netip"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// What is desired and what an operator would type for it.
func TestWhatIsDesiredReachesTheTable(t *testing.T) {
	t.Parallel()
	type change func(*spec.VirtualServer, *spec.RealServer)
	marked := func(family spec.Family) change {
		return func(v *spec.VirtualServer, _ *spec.RealServer) {
			v.Address, v.Port, v.FirewallMark, v.Family = netip.Addr{}, 0, 5, family
		}
	}
	tunnel := func(kind spec.TunnelType, port int, checksum spec.TunnelChecksum) change {
		return func(v *spec.VirtualServer, _ *spec.RealServer) {
			v.ForwardingMethod, v.Tunnel = spec.Tunnel, &spec.TunnelOptions{Type: kind, Port: port, Checksum: checksum}
		}
	}
	persistence := func(p spec.Persistence) change {
		return func(v *spec.VirtualServer, _ *spec.RealServer) {
			p.Timeout = spec.Duration(90 * time.Second)
			v.Persistence = &p
		}
	}
	both := func(changes ...change) change {
		return func(v *spec.VirtualServer, s *spec.RealServer) {
			for _, c := range changes {
				c(v, s)
			}
		}
	}
	udp := func(v *spec.VirtualServer, _ *spec.RealServer) { v.Protocol = spec.UDP }
	for name, test := range map[string]struct {
		server string
		change change
		want   string
	}{
		"a mark":             {"192.0.2.21:0", marked(spec.IPv4), "-A -f 5 -s wlc\n-a -f 5 -r 192.0.2.21:0 -g -w 1\n"},
		"a mark of IPv6":     {"[2001:db8::21]:0", marked(spec.IPv6), "-A -f 5 -6 -s wlc\n-a -f 5 -6 -r [2001:db8::21]:0 -g -w 1\n"},
		"every port":         {"192.0.2.21:0", both(persistence(spec.Persistence{}), func(v *spec.VirtualServer, _ *spec.RealServer) { v.Port = 0 }), "-A -t 192.0.2.100:0 -s wlc -p 90\n-a -t 192.0.2.100:0 -r 192.0.2.21:0 -g -w 1\n"},
		"persistence":        {"192.0.2.21:80", persistence(spec.Persistence{PrefixLength: 24}), "-A -t 192.0.2.100:80 -s wlc -p 90 -M 255.255.255.0\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"},
		"of IPv6 by default": {"[2001:db8::21]:0", both(marked(spec.IPv6), persistence(spec.Persistence{})), "-A -f 5 -6 -s wlc -p 90\n-a -f 5 -6 -r [2001:db8::21]:0 -g -w 1\n"},
		"an engine":          {"192.0.2.21:80", both(udp, persistence(spec.Persistence{Engine: "sip"})), "-A -u 192.0.2.100:80 -s wlc -p 90 --pe sip\n-a -u 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"},
		"one packet": {"192.0.2.21:80", both(udp, func(v *spec.VirtualServer, _ *spec.RealServer) { v.OnePacket = true }),
			"-A -u 192.0.2.100:80 -s wlc -o\n-a -u 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"},
		"flags": {"192.0.2.21:80", func(v *spec.VirtualServer, _ *spec.RealServer) {
			v.Scheduler, v.SchedulerFlags = "mh", []string{"mh-fallback", "mh-port"}
		}, "-A -t 192.0.2.100:80 -s mh -b mh-fallback,mh-port\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"},
		"thresholds": {"192.0.2.21:80", func(_ *spec.VirtualServer, s *spec.RealServer) { s.UpperThreshold, s.LowerThreshold = 10, 5 },
			"-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1 -x 10 -y 5\n"},
		"a plain tunnel": {"192.0.2.21:80", func(v *spec.VirtualServer, _ *spec.RealServer) { v.ForwardingMethod = spec.Tunnel },
			"-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -i -w 1 --tun-type ipip\n"},
		"a tunnel of UDP": {"[2001:db8::21]:80", tunnel(spec.GUE, 6080, spec.RemoteChecksum),
			"-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r [2001:db8::21]:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum\n"},
		"a server's own tunnel": {"192.0.2.21:80", both(tunnel(spec.GUE, 6080, spec.NoChecksum), func(_ *spec.VirtualServer, s *spec.RealServer) {
			s.Tunnel = &spec.TunnelOptions{Type: spec.GRE, Checksum: spec.Checksum}
		}), "-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -i -w 1 --tun-type gre --tun-csum\n"},
		"a server's own method": {"192.0.2.21:8080", both(tunnel(spec.GUE, 6080, spec.NoChecksum), func(_ *spec.VirtualServer, s *spec.RealServer) {
			s.ForwardingMethod = spec.NAT
		}), "-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 192.0.2.21:8080 -m -w 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, server := spec.DefaultVirtualServer(), spec.DefaultRealServer()
			v.Address, v.Port, v.ForwardingMethod = netip.MustParseAddr("192.0.2.100"), 80, spec.DirectRouting
			test.change(&v, &server)
			key := spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort(test.server)}
			if errs := append(append(v.Validate(), server.Validate(key.Address)...), v.Admit(key.Address, server)...); errs != nil {
				t.Fatal(errs)
			}
			d := spec.Desired{VirtualServers: map[string]spec.VirtualServer{"web": v}, RealServers: spec.Servers[spec.RealServer]{"web": {key.Address: server}}}
			table := Compute(d, memories{servers: map[string]map[netip.AddrPort]memory{key.VirtualServer: {key.Address: {last: Up, joined: true}}}})
			if got := table.String(); got != test.want {
				t.Errorf("table is\n%swant\n%s", got, test.want)
			}
		})
	}
}
