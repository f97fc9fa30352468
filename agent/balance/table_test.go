package balance

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestTableHasWhatIsInTheKernelWhoeverMadeIt(t *testing.T) {
	onDirector(t, Repair, func(t *testing.T, d *director) {
		d.Set(plain(a, 1))
		d.sync()
		mark, server := ipvs.MarkKey(5, ipvs.IPv6), netip.MustParseAddrPort("[2001:db8::1]:0")
		d.table.Edit(func(table ipvs.Table) {
			table[mark] = ipvs.Service{
				Options: ipvs.Options{
					Scheduler: "sh", Flags: ipvs.OnePacket | ipvs.SchedulerF2,
					Persistence: ipvs.Persistence{Timeout: 60, PrefixLength: 64},
				},
				Destinations: map[netip.AddrPort]ipvs.Destination{server: {
					Forwarding: ipvs.Tunnel, Weight: 3, UpperThreshold: 9, LowerThreshold: 7,
					Tunnel: ipvs.TunnelOptions{Type: ipvs.GUE, Port: 6080, Checksum: ipvs.Checksum},
				}},
			}
		})
		d.table.Connect(ipvs.DestinationKey{Service: mark, Address: server}, ipvs.Connections{Active: 1, Inactive: 2, Persistent: 3})
		time.Sleep(2 * viewAge)
		got, err := d.Table(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := spec.IPVSTable{Services: map[string]spec.KernelService{
			"tcp/192.0.2.100:80": {VirtualServer: "web", Scheduler: "wrr", Destinations: map[string]spec.KernelDestination{
				a: {ForwardingMethod: "dr", Weight: 1},
			}},
			"fwmark/5/ipv6": {
				Scheduler: "sh", SchedulerFlags: []string{"sh-port"}, OnePacket: true,
				Persistence: &spec.Persistence{Timeout: spec.Duration(time.Minute), PrefixLength: 64},
				Destinations: map[string]spec.KernelDestination{server.String(): {
					ForwardingMethod: "tunnel", Tunnel: &spec.TunnelOptions{Type: spec.GUE, Port: 6080, Checksum: spec.Checksum},
					Weight: 3, UpperThreshold: 9, LowerThreshold: 7, ActiveConnections: 1, InactiveConnections: 2, PersistentConnections: 3,
				}},
			},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("table (-want +got):\n%s", diff)
		}

		d.table.Break(errors.New("no IPVS here"))
		time.Sleep(2 * viewAge)
		if _, err := d.Table(t.Context()); err == nil || err.Error() != "no IPVS here" {
			t.Errorf("without a table the error is %v", err)
		}
	})
}
