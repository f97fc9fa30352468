package balance

import (
	"maps"
	"net/netip"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// inherit adds to what is wanted what services hold that somebody else set up and that virtual servers take over.
// Their real servers are asked for after them, and one by one: until then what is there stays, so that nobody is cut
// off who will be wanted in a moment. What nobody has asked for when a removed server would have drained goes with
// the next comparison. A restart in between cuts that short: then the service is ours.
func (b *Balancer) inherit(seen view, desired spec.Desired, now time.Time) {
	for name, v := range desired.VirtualServers {
		key := serviceKey(v)
		service, there := seen.table[key]
		until, inherits := b.inherited[key]
		if there && !inherits && !b.ledger.has(key) {
			until, inherits = now.Add(v.DrainTimeout.Std()), true
			b.inherited[key] = until
		}
		if !inherits {
			continue
		}
		if !there || !now.Before(until) {
			delete(b.inherited, key)
			continue
		}
		keep(seen.want[key], service, v.SorryServer, func(address netip.AddrPort) bool {
			server := spec.ServerKey{VirtualServer: name, Address: address}
			_, asked := desired.RealServers.Get(server)
			_, drains := desired.Drains.Get(server)
			return asked || drains
		})
	}
}

// inheritNoMore forgets services that are not ours any more: whoever sets one up anew is taken over anew.
func (b *Balancer) inheritNoMore() {
	maps.DeleteFunc(b.inherited, func(key ipvs.ServiceKey, _ time.Time) bool { return !b.ledger.has(key) })
}

// keep adds to what is wanted of a service the destinations that are there and that nobody has decided about. While
// there are such, a sorry server stays what it is: nobody knows yet whether it is needed.
func keep(want, actual ipvs.Service, sorry *spec.SorryServer, decided func(netip.AddrPort) bool) {
	before := len(want.Destinations)
	for address, destination := range actual.Destinations {
		if _, wanted := want.Destinations[address]; !wanted && !decided(address) {
			want.Destinations[address] = destination
		}
	}
	if sorry == nil || len(want.Destinations) == before {
		return
	}
	if _, there := actual.Destinations[sorry.AddrPort()]; !there {
		delete(want.Destinations, sorry.AddrPort())
	}
}
