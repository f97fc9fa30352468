package balance

import (
	"maps"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Drains is the record, on disk, of the real servers that are being removed.
type Drains interface {
	// End strikes out drains of servers that are gone. One that began anew since is another, and stays.
	End(map[spec.ServerKey]spec.Drain) error
}

const (
	// drainPoll is how often a drain is looked after.
	drainPoll = time.Second
	// drainSettle is how long a server rests at least that has connections of which the last packets may be
	// under way: without active ones, but with others.
	drainSettle = time.Second
)

// observation is the kernel's table as it was seen.
type observation struct {
	table ipvs.Table
	stats ipvs.Stats
	at    time.Time
}

// draining is what is remembered of a real server that is being removed.
type draining struct {
	since    time.Time // which drain it is
	deadline time.Time // by the clock of this process
	resting  time.Time // since when it was seen at weight 0; zero before
	ended    bool
}

// drain returns how the removals are after one more look at the kernel's table. It has ended for a server that
// is not in the table, for example after a reboot, and for one that weight 0 would not keep clients away from.
func (before memories) drain(desired spec.Desired, seen observation) spec.Servers[draining] {
	after := spec.Servers[draining]{}
	for key, d := range desired.Drains.All() {
		if !d.Removes() {
			continue
		}
		is, known := before.drains.Get(key)
		if !known || !is.since.Equal(d.Since) {
			is = draining{since: d.Since, deadline: deadline(d, seen.at)}
		}
		v, served := desired.VirtualServers[key.VirtualServer]
		destination, there := seen.table[serviceKey(v)].Destinations[key.Address]
		if there && destination.Weight == 0 && is.resting.IsZero() {
			is.resting = seen.at
		}
		if !served || !there || !v.CanRest() || !seen.at.Before(is.deadline) {
			is.ended = true
		} else if !is.resting.IsZero() {
			connections := seen.stats[serviceKey(v)].Destinations[key.Address].Connections
			settled := connections.Inactive == 0 || seen.at.Sub(is.resting) >= drainSettle
			is.ended = connectionsLeft(v, connections) == 0 && settled
		}
		after.Put(key, is)
	}
	return after
}

// deadline is when a drain is over at the latest, by a clock that does not jump. The record is of wall time, which may
// have jumped back since an earlier life of the agent wrote it: a drain does not take longer for that than it may.
func deadline(d spec.Drain, now time.Time) time.Time {
	return now.Add(min(d.Deadline().Sub(now), d.Timeout.Std()))
}

// drainingServices returns the services of which real servers are being removed.
func drainingServices(desired spec.Desired) []ipvs.ServiceKey {
	var services []ipvs.ServiceKey
	for name := range desired.Drains {
		if v, served := desired.VirtualServers[name]; served && len(desired.Removing(name)) > 0 {
			services = append(services, serviceKey(v))
		}
	}
	slices.SortFunc(services, ipvs.ServiceKey.Compare)
	return services
}

// draining is where removals go on, or have just ended.
func (b *Balancer) draining(desired spec.Desired) scope {
	services := slices.Collect(maps.Keys(b.view.remembered.drains))
	for name := range desired.Drains {
		if len(desired.Removing(name)) > 0 {
			services = append(services, name)
		}
	}
	return named(services...)
}

// connectionsLeft returns how many connections a drain waits for. The kernel knows no active ones over UDP, nor
// can tell what it is that the firewall has marked.
func connectionsLeft(v spec.VirtualServer, c ipvs.Connections) uint64 {
	left := uint64(c.Active)
	if v.Protocol == spec.UDP || v.FirewallMark != 0 {
		left += uint64(c.Inactive)
	}
	return left
}

// endDrains strikes out the drains that have ended and whose server is gone from the table.
func (b *Balancer) endDrains(desired spec.Desired, table ipvs.Table) error {
	ended := map[spec.ServerKey]spec.Drain{}
	for key, is := range b.view.remembered.drains.All() {
		v := desired.VirtualServers[key.VirtualServer]
		if _, there := table[serviceKey(v)].Destinations[key.Address]; is.ended && !there {
			ended[key], _ = desired.Drains.Get(key)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	if err := b.drains.End(ended); err != nil {
		return err
	}
	for key, d := range ended {
		b.log.Info("real server is removed", "service", key.VirtualServer, "server", key.Address.String(), "drained_for", time.Since(d.Since).Round(time.Millisecond))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	left := *b.desired
	left.Drains = left.Drains.Clone()
	for key, gone := range ended {
		if d, _ := left.Drains.Get(key); d.Removes() && gone.Since.Equal(d.Since) {
			left.Drains.Delete(key)
		}
	}
	b.desired = &left
	return nil
}

// drained reports whether a removal that goes on has nothing to wait for by what was just read back.
func (b *Balancer) drained(desired spec.Desired) bool {
	if len(b.view.remembered.drains) == 0 {
		return false
	}
	before := b.view.remembered
	for key, is := range before.drain(desired, observation{table: b.view.table, stats: b.view.stats, at: time.Now()}).All() {
		if was, _ := before.drains.Get(key); is.ended && !was.ended {
			return true
		}
	}
	return false
}

// untilStep returns when a removal, or a weight that grows, is to be looked after again. The caller has the turn.
func (b *Balancer) untilStep(now time.Time) (wait time.Duration, moves bool) {
	wait, moves = drainPoll, len(b.view.remembered.warming) > 0
	if moves {
		wait = warmStep
	}
	for _, is := range b.view.remembered.drains.All() {
		if !is.ended {
			moves = true
			wait = min(wait, max(0, is.deadline.Sub(now)))
		}
	}
	return wait, moves
}
