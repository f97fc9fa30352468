package ipvs_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

func key(p ipvs.Protocol, address string) ipvs.ServiceKey {
	return ipvs.AddressKey(p, netip.MustParseAddrPort(address))
}

// service makes a service of a scheduler and destinations in pairs of address and destination.
func service(o ipvs.Options, servers ...any) ipvs.Service {
	s := ipvs.Service{Options: o, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	for i := 0; i < len(servers); i += 2 {
		s.Destinations[netip.MustParseAddrPort(servers[i].(string))] = servers[i+1].(ipvs.Destination)
	}
	return s
}

// What ipvsadm -Sn printed for the same table, on kernel 6.1; thresholds are ours.
const saved = `-A -f 5 -s wlc
-A -f 5 -6 -s wlc -b flag-1
-A -t 192.0.2.100:80 -s wrr
-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1
-a -t 192.0.2.100:80 -r 192.0.2.22:8080 -m -w 70000 -x 10 -y 5
-a -t 192.0.2.100:80 -r [2001:db8::5]:80 -i -w 2 --tun-type ipip
-A -u 192.0.2.100:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port
-A -u 192.0.2.101:80 -s mh -o -b mh-port
-A -u 192.0.2.105:5060 -s rr -p 30 --pe sip -o
-A --sctp-service [2001:db8::1]:80 -s rr -p 60 -M 64
-a --sctp-service [2001:db8::1]:80 -r [2001:db8::2]:80 -i -w 1 --tun-type ipip
`

func TestTableReadsLikeIpvsadm(t *testing.T) {
	t.Parallel()
	table := ipvs.Table{
		key(ipvs.TCP, "192.0.2.100:80"): service(ipvs.Options{Scheduler: "wrr"},
			"192.0.2.21:80", ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 1},
			"192.0.2.22:8080", ipvs.Destination{Forwarding: ipvs.NAT, Weight: 70000, UpperThreshold: 10, LowerThreshold: 5},
			"[2001:db8::5]:80", ipvs.Destination{Forwarding: ipvs.Tunnel, Weight: 2},
		),
		key(ipvs.UDP, "192.0.2.100:80"): service(ipvs.Options{
			Scheduler: "sh", Flags: ipvs.SchedulerF1 | ipvs.SchedulerF2,
			Persistence: ipvs.Persistence{Timeout: 300, PrefixLength: 24},
		}),
		key(ipvs.UDP, "192.0.2.101:80"): service(ipvs.Options{Scheduler: "mh", Flags: ipvs.OnePacket | ipvs.SchedulerF2}),
		key(ipvs.UDP, "192.0.2.105:5060"): service(ipvs.Options{
			Scheduler: "rr", Flags: ipvs.OnePacket,
			Persistence: ipvs.Persistence{Timeout: 30, PrefixLength: 32, Engine: "sip"},
		}),
		key(ipvs.SCTP, "[2001:db8::1]:80"): service(
			ipvs.Options{Scheduler: "rr", Persistence: ipvs.Persistence{Timeout: 60, PrefixLength: 64}},
			"[2001:db8::2]:80", ipvs.Destination{Forwarding: ipvs.Tunnel, Weight: 1},
		),
		ipvs.MarkKey(5, ipvs.IPv4): service(ipvs.Options{Scheduler: "wlc"}),
		ipvs.MarkKey(5, ipvs.IPv6): service(ipvs.Options{Scheduler: "wlc", Flags: ipvs.SchedulerF1}),
	}
	if diff := cmp.Diff(saved, table.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	k := key(ipvs.TCP, "192.0.2.100:80")
	server := netip.MustParseAddrPort("192.0.2.21:80")
	table := ipvs.Table{k: service(ipvs.Options{Scheduler: "rr"}, "192.0.2.21:80", ipvs.Destination{Weight: 1})}
	clone := table.Clone()
	clone[k].Destinations[server] = ipvs.Destination{Weight: 9}
	delete(clone, k)
	if got := table[k].Destinations[server].Weight; got != 1 {
		t.Errorf("weight in the original is %d, want 1", got)
	}
}
