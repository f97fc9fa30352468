package agent

import (
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// presence tells the checker which virtual addresses are in service elsewhere: those of instances that are not
// active here.
type presence struct {
	store  *store.Store
	engine func() *vrrp.Engine // made after the checker
}

func (p presence) Elsewhere() map[netip.Addr]bool {
	elsewhere := map[netip.Addr]bool{}
	states := p.engine().Status()
	for name, v := range p.store.Desired().VRRPInstances {
		if states[name].State == spec.InstanceActive {
			continue
		}
		for _, address := range v.VirtualAddresses {
			elsewhere[address.Addr()] = true
		}
		for _, excluded := range v.ExcludedAddresses {
			elsewhere[excluded.Address.Addr()] = true
		}
	}
	return elsewhere
}
