package provider

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// serverRemark says that a real server is in maintenance.
func serverRemark(s *spec.Snapshot, key string) string {
	k, err := spec.ParseServerKey(key)
	if err != nil {
		return ""
	}
	server := s.VirtualServers[k.VirtualServer].RealServers[k.Address.String()]
	if !resting(server.Status) {
		return ""
	}
	return maintenance(k.VirtualServer, k.Address.String())
}

// groupRemark says which servers of a group are.
func groupRemark(s *spec.Snapshot, service string) string {
	var all []string
	servers := s.VirtualServers[service].RealServers
	for _, address := range slices.Sorted(maps.Keys(servers)) {
		if resting(servers[address].Status) {
			all = append(all, maintenance(service, address))
		}
	}
	return strings.Join(all, " ")
}

func resting(s spec.RealServerState) bool {
	return s.Drain != nil && s.Drain.Kind == spec.DrainMaintenance
}

func maintenance(service, address string) string {
	return fmt.Sprintf("%s is in maintenance and gets no new connections: lvs-agent drain --undo %s %s ends that.", address, service, address)
}

// serviceRemark says that nobody is going to have the address of a service. A director without virtual routers
// gets its traffic in another way.
func serviceRemark(s *spec.Snapshot, name string) string {
	address := s.VirtualServers[name].Spec.Address
	if len(s.VRRPInstances) == 0 || !address.IsValid() {
		return ""
	}
	for _, instance := range s.VRRPInstances {
		for _, prefixes := range instance.Spec.AddressesOn() {
			if slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Addr() == address }) {
				return ""
			}
		}
	}
	return fmt.Sprintf("no VRRP instance has the address %s: unless it comes to the director in another way, nobody reaches the service.", address)
}

// instanceRemark says that a sync group keeps nothing together.
func instanceRemark(s *spec.Snapshot, name string) string {
	group := s.VRRPInstances[name].Spec.SyncGroup
	if group == "" {
		return ""
	}
	for other, v := range s.VRRPInstances {
		if other != name && v.Spec.SyncGroup == group {
			return ""
		}
	}
	return fmt.Sprintf("it is alone in its sync_group %q, which so does nothing: another instance that goes with it needs the same one.", group)
}
