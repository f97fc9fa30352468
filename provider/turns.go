package provider

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// turns is the order in which a change goes to directors: those of a turn are asked at the same time, and
// the next turn comes when all of the last have taken the change and read it back.
type turns [][]*director

// turns puts directors into the order in which a change of an object goes to them. What the change breaks
// should break where nobody notices, so those that carry the object's traffic come last. When none is known
// to, they take turns by name. Who carries it may have changed since the director was read: the order is
// then not the best one, which by itself harms nobody.
func (k kind[Spec, State]) turns(ctx context.Context, key string, directors []*director) turns {
	if k.carries == nil {
		return turns{directors}
	}
	carrying := k.carrying(ctx, key, directors)
	var rest, active []*director
	for _, d := range directors {
		if carrying[d.name] {
			active = append(active, d)
		} else {
			rest = append(rest, d)
		}
	}
	switch {
	case len(active) == 0:
		return slices.Collect(slices.Chunk(rest, 1))
	case len(rest) == 0:
		return turns{active}
	}
	return turns{rest, active}
}

// carrying returns which of the directors carry the object's traffic now, by name.
func (k kind[Spec, State]) carrying(ctx context.Context, key string, directors []*director) map[string]bool {
	return each(ctx, directors, func(ctx context.Context, d *director) (bool, error) {
		s, err := d.current(ctx)
		return err == nil && k.carries(s, key), err
	}).values()
}

// inTurn asks directors in turns until one fails. Who was not asked then has no outcome.
func inTurn[T any](ctx context.Context, order turns, ask func(context.Context, *director) (T, error)) outcomes[T] {
	result := outcomes[T]{}
	for _, directors := range order {
		maps.Copy(result, each(ctx, directors, ask))
		if len(result.errs()) > 0 {
			break
		}
	}
	return result
}

// carriesInstance reports whether the director is active in a virtual router.
func carriesInstance(s *spec.Snapshot, name string) bool {
	return s.VRRPInstances[name].Status.State == spec.InstanceActive
}

// carriesService reports whether an instance that is active on the director has the service's address.
func carriesService(s *spec.Snapshot, name string) bool {
	service, ok := s.VirtualServers[name]
	return ok && carriesAddress(s, service.Spec.Address)
}

// carriesAnything reports whether any traffic comes to the director: the settings of its machine are those of
// all of it.
func carriesAnything(s *spec.Snapshot, _ string) bool {
	for _, instance := range s.VRRPInstances {
		if instance.Status.State == spec.InstanceActive {
			return true
		}
	}
	return false
}

// carriesServer reports that of a real server's service.
func carriesServer(s *spec.Snapshot, key string) bool {
	k, err := spec.ParseServerKey(key)
	return err == nil && carriesService(s, k.VirtualServer)
}

func carriesAddress(s *spec.Snapshot, a netip.Addr) bool {
	for _, instance := range s.VRRPInstances {
		if instance.Status.State != spec.InstanceActive {
			continue
		}
		for _, addresses := range instance.Spec.AddressesOn() {
			if slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return p.Addr() == a }) {
				return true
			}
		}
	}
	return false
}
