package balance

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/failpoint"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// pass makes the table what is wanted, once, and serves all requests that there are. The caller has the
// turn. It is not interrupted by the context: half of a change is no better than none, and the kernel has
// its own deadlines.
func (b *Balancer) pass(ctx context.Context, t task) error {
	b.mu.Lock()
	serves, desired := b.asked.Load(), b.desired
	t.add(b.task)
	b.task = task{}
	b.mu.Unlock()
	if desired == nil {
		return nil
	}
	err := b.reconcile(context.WithoutCancel(ctx), *desired, t)
	if err == nil && b.drained(*desired) {
		b.mu.Lock()
		desired = b.desired
		b.mu.Unlock()
		err = b.reconcile(context.WithoutCancel(ctx), *desired, task{}) // whoever asked need not come back for what is done
	}
	if err != nil {
		b.counters.Failed()
	}
	b.done, b.failure = serves, err
	b.logOutcome(err)
	return err
}

// reconcile reads, decides, writes and reads back.
func (b *Balancer) reconcile(ctx context.Context, desired spec.Desired, t task) error {
	version, err := b.kernel.Info(ctx)
	if err != nil {
		return b.unavailable(desired, err)
	}
	if err := b.ledger.load(); err != nil {
		return err
	}
	if t.whole || b.base == nil || !isOfObjects(b.failure) || b.view.version == "" {
		t.whole, t.about = true, scope{all: true}
	}
	t.again = named(slices.Collect(maps.Keys(b.view.degraded))...)
	t.about.add(t.again)
	t.about.add(t.undo)
	t.about.add(b.draining(desired))
	t.about.add(b.warming())
	about := t.about.of(desired)
	seen, part, err := b.look(ctx, about, t)
	if err != nil {
		return b.unavailable(desired, err)
	}
	seen.version = version
	if b.succeeds && b.base == nil && b.policy == Report {
		b.base = maps.Clone(seen.want) // it wanted the same: what differs is somebody else's change
	}
	b.noticeDrift(seen, part)

	ours, err := b.ledger.claim(seen.want)
	if err != nil {
		b.show(seen)
		return err
	}
	goal := seen.want.Part(part...)
	if b.policy == Report && !t.undo.all {
		goal = hold(b.base, only(seen.table, ours).Part(part...), goal)
		for _, key := range part {
			if want, wanted := seen.want[key]; wanted && t.undo.has(seen.names[key]) {
				goal[key] = want
			}
		}
	}
	seen, left, err := b.write(ctx, seen, part, ours, goal)
	b.settle(seen, part, left)
	b.noticed = append(slices.DeleteFunc(b.noticed, func(d spec.Drift) bool { return t.about.has(d.Name) }), seen.drift()...)
	seen.degraded = failures(err)
	b.show(seen)
	b.publishRepaired(b.noticed, seen)
	b.publishStates(t.about, about, seen)
	claimed := seen.services
	if !seen.isPart() {
		claimed = b.ledger.all()
	}
	if failure := b.ledger.disclaim(claimed, seen.want, seen.table); failure != nil {
		err = errors.Join(err, failure)
	} else {
		b.inheritNoMore()
	}
	err = errors.Join(err, b.endDrains(desired, seen.table))
	b.publishDrains(t.about)
	return err
}

// settle notes what is wanted of the services of part from now on. In those in which something is left to write, that
// stays what we want to change.
func (b *Balancer) settle(seen view, part []ipvs.ServiceKey, left map[ipvs.ServiceKey]bool) {
	if !seen.isPart() {
		before := b.base
		b.base = make(ipvs.Table, len(seen.want))
		for key, was := range before {
			if _, wanted := seen.want[key]; wanted || left[key] {
				b.base[key] = was
			}
		}
	}
	for _, key := range part {
		want, wanted := seen.want[key]
		was, known := b.base[key]
		switch {
		case left[key] && wanted && known:
			b.base[key] = halfway(was, seen.table[key], want)
		case left[key]:
		case wanted:
			b.base[key] = want
		default:
			delete(b.base, key)
		}
	}
}

// look reads what the task is about, of which desired is the part, and says what is wanted. Part is the services
// that were read: all of them, or those that are not what they were when everything was well.
func (b *Balancer) look(ctx context.Context, desired spec.Desired, t task) (seen view, part []ipvs.ServiceKey, err error) {
	if t.whole {
		table, stats, err := b.kernel.Read(ctx)
		if err != nil {
			return view{}, nil, err
		}
		seen = b.decide(desired, view{table: table, stats: stats, at: time.Now(), remembered: b.view.remembered})
		all := maps.Clone(table)
		maps.Copy(all, seen.want)
		return seen, all.Keys(), nil
	}
	last := b.view.part(t.about, desired)
	draining := drainingServices(desired)
	if len(draining) > 0 {
		read, stats, err := b.kernel.ReadServices(ctx, draining...) // whose connections may have ended
		if err != nil {
			return view{}, nil, err
		}
		last = last.patched(draining, read, stats)
	}
	seen = b.decide(desired, last)
	part = t.touched(last.of(b.base), seen.want, seen.names)
	if len(part) == 0 {
		return seen, draining, nil
	}
	part = slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(part, draining)), ipvs.ServiceKey.Compare))
	read, stats, err := b.kernel.ReadServices(ctx, part...)
	if err != nil {
		return view{}, nil, err
	}
	unchanged := maps.EqualFunc(read, last.table.Part(part...), ipvs.Service.Equal)
	if unchanged {
		return seen.patched(part, read, stats), part, nil
	}
	// What was never seen before counts as what it is in the table.
	return b.decide(desired, last.patched(part, read, stats)), part, nil
}

// decide says what is wanted where the kernel has the table of the last view, of which desired is the part that it is
// about.
func (b *Balancer) decide(desired spec.Desired, last view) view {
	desired = b.weighed(desired, last.table)
	now := time.Now()
	seen := last.decided(desired, last.remembered.remember(desired, b.verdict, observation{last.table, last.stats, now}))
	b.inherit(seen, desired, now)
	return seen
}

// verdict asks for a verdict without its reason.
func (b *Balancer) verdict(key spec.ServerKey) Verdict {
	v, _ := b.health.Server(key)
	return v
}

// write makes our part of the table the goal, in the services of part, and returns those in which something is left to
// write, each of which has an error. When somebody else writes at the same time, the second attempt starts from what
// they made of it.
func (b *Balancer) write(ctx context.Context, seen view, part []ipvs.ServiceKey, ours map[ipvs.ServiceKey]bool, goal ipvs.Table) (_ view, left map[ipvs.ServiceKey]bool, failure error) {
	const attempts = 2
	ops := ipvs.Diff(only(seen.table.Part(part...), ours), goal)
	for range attempts {
		if len(ops) == 0 {
			return seen, nil, nil
		}
		for _, op := range ops {
			b.log.Debug("write to the kernel's table", "command", op.String())
		}
		var writes int
		writes, failure = b.kernel.Apply(ctx, ops)
		failpoint.Reach(failpoint.Applied)
		b.counters.Wrote(writes)
		b.log.Info("changed the kernel's table", "writes", writes)
		changed := servicesOf(ops)
		services := slices.Collect(maps.Keys(changed))
		var err error
		if seen, err = b.readBack(ctx, seen, services); err != nil {
			return seen, changed, errors.Join(attribute(failure, seen.names), err)
		}
		still := ipvs.Diff(only(seen.table.Part(services...), ours), goal.Part(services...))
		if slices.Equal(still, ops) {
			break
		}
		ops = still
	}
	return seen, servicesOf(ops), attribute(errors.Join(failure, unwritten(ops, failure)), seen.names)
}

// readBack reads services again: by themselves, or, when they are many, along with all others.
func (b *Balancer) readBack(ctx context.Context, seen view, services []ipvs.ServiceKey) (view, error) {
	if !seen.isPart() && 2*len(services) > len(seen.table) {
		table, stats, err := b.kernel.Read(ctx)
		if err == nil {
			seen.table, seen.stats, seen.at = table, stats, time.Now()
		}
		return seen, err
	}
	read, stats, err := b.kernel.ReadServices(ctx, services...)
	if err != nil {
		return seen, err
	}
	return seen.patched(services, read, stats), nil
}

// servicesOf returns the services that are changed.
func servicesOf(ops []ipvs.Op) map[ipvs.ServiceKey]bool {
	services := map[ipvs.ServiceKey]bool{}
	for _, op := range ops {
		services[op.Service] = true
	}
	return services
}

// unavailable notes that the kernel cannot be read. That is no failure while nothing is wanted of it.
func (b *Balancer) unavailable(desired spec.Desired, err error) error {
	b.mu.Lock()
	b.view.failed(err)
	b.mu.Unlock()
	if !errors.Is(err, ipvs.ErrUnavailable) {
		return err
	}
	b.base = nil // what was there is gone with it
	if len(desired.VirtualServers) == 0 {
		return nil
	}
	return err
}

// noticeDrift logs and counts what somebody else has changed since the last pass, in the services of
// part: what is neither what we want nor what we wanted.
func (b *Balancer) noticeDrift(now view, part []ipvs.ServiceKey) {
	if b.base == nil {
		return
	}
	changed := map[spec.Drift]bool{}
	for _, d := range differences(now.table, b.base.Part(part...), now.names) {
		changed[place(d)] = true
	}
	for _, d := range differences(now.table, now.want.Part(part...), now.names) {
		if !changed[place(d)] || slices.Contains(b.noticed, d) {
			continue
		}
		b.counters.Drifted(d.Field)
		b.publishNoticed(d)
		b.log.Warn("somebody else changed the kernel's table", "service", d.Name, "server", d.Server,
			"field", d.Field, "actual", d.Actual, "want", d.Want, "drift_policy", string(b.policy))
	}
}

// place returns where a difference is, without what it is.
func place(d spec.Drift) spec.Drift {
	d.Actual, d.Want = "", ""
	return d
}

// logOutcome logs a failure when it begins or changes, and when it is over.
func (b *Balancer) logOutcome(err error) {
	switch {
	case err == nil && b.logged != "":
		b.logged = ""
		b.log.Info("the kernel's table is what is wanted again")
	case err != nil && err.Error() != b.logged:
		b.logged = err.Error()
		b.log.Error("the kernel's table is not what is wanted; trying again", "error", summary(err))
	}
}
