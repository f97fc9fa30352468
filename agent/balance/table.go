package balance

import (
	"context"
	"errors"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Table returns what is in the kernel's table, services of others included. It fails where the kernel has none.
func (b *Balancer) Table(ctx context.Context) (spec.IPVSTable, error) {
	b.refresh(ctx)
	_, seen := b.shown()
	if seen.version == "" {
		return spec.IPVSTable{}, errors.New(seen.reason)
	}
	t := spec.IPVSTable{Services: make(map[string]spec.KernelService, len(seen.table))}
	for key, is := range seen.table {
		counted := seen.stats[key]
		service := spec.KernelService{
			VirtualServer:  seen.names[key],
			Scheduler:      is.Scheduler,
			SchedulerFlags: is.SchedulerFlags(),
			OnePacket:      is.Flags&ipvs.OnePacket != 0,
			Persistence:    kernelPersistence(is.Persistence),
			Traffic:        traffic(counted.Traffic),
			Destinations:   make(map[string]spec.KernelDestination, len(is.Destinations)),
		}
		for address, d := range is.Destinations {
			service.Destinations[address.String()] = kernelDestination(d, counted.Destinations[address])
		}
		t.Services[key.String()] = service
	}
	return t, nil
}

func kernelPersistence(p ipvs.Persistence) *spec.Persistence {
	if p == (ipvs.Persistence{}) {
		return nil
	}
	return &spec.Persistence{Timeout: spec.Duration(time.Duration(p.Timeout) * time.Second), PrefixLength: int(p.PrefixLength), Engine: p.Engine}
}

func kernelDestination(d ipvs.Destination, counted ipvs.DestinationStats) spec.KernelDestination {
	k := spec.KernelDestination{
		ForwardingMethod:      d.Forwarding.String(),
		Weight:                int(d.Weight),
		UpperThreshold:        int(d.UpperThreshold),
		LowerThreshold:        int(d.LowerThreshold),
		ActiveConnections:     uint64(counted.Connections.Active),
		InactiveConnections:   uint64(counted.Connections.Inactive),
		PersistentConnections: uint64(counted.Connections.Persistent),
		Traffic:               traffic(counted.Traffic),
	}
	if d.Forwarding == ipvs.Tunnel {
		k.Tunnel = &spec.TunnelOptions{Type: spec.TunnelType(d.Tunnel.Type.String()), Port: int(d.Tunnel.Port), Checksum: spec.TunnelChecksum(d.Tunnel.Checksum.String())}
	}
	return k
}
