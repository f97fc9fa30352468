package balance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// scope is how much of the difference a pass writes under the policy Report. Under Repair it is always
// everything.
type scope int

const (
	// everything that differs from what is wanted
	everything scope = iota
	// what differs because we want something else than before
	whatWeChanged
)

// pass makes the table what is wanted, once. The caller has the turn. It is not interrupted by the
// context: half of a change is no better than none, and the kernel has its own deadlines.
func (b *Balancer) pass(ctx context.Context, s scope) error {
	serves := b.asked.Load()
	b.mu.Lock()
	desired := b.desired
	b.mu.Unlock()
	if desired == nil {
		return nil
	}
	err := b.reconcile(context.WithoutCancel(ctx), *desired, s)
	if err == nil {
		b.done = serves
	} else {
		b.counters.failed()
	}
	if s == everything {
		b.doneWhole, b.failure = serves, err
	}
	b.logOutcome(err)
	return err
}

// reconcile reads, decides, writes and reads back.
func (b *Balancer) reconcile(ctx context.Context, desired spec.Desired, s scope) error {
	version, err := b.kernel.Info(ctx)
	if err != nil {
		return b.unavailable(desired, err)
	}
	table, stats, err := b.kernel.Read(ctx)
	if err != nil {
		return b.unavailable(desired, err)
	}
	b.remembered = b.remembered.remember(desired, b.verdict, table)
	want := Compute(desired, b.remembered)
	names := namesOf(desired)
	seen := view{version: version, table: table, stats: stats, at: time.Now(), want: want, names: names, remembered: b.remembered}
	b.noticeDrift(seen)

	ours, err := claim(b.ledger, want)
	if err != nil {
		b.show(seen)
		return err
	}
	goal := want
	if b.policy == Report && s == whatWeChanged {
		goal = hold(b.base, only(table, ours), want)
	}
	seen, err = b.write(ctx, seen, ours, goal)
	if err == nil {
		b.base = want // otherwise what was not written is still something that we want to change
	}
	b.noticed = seen.drift()
	b.show(seen)
	return errors.Join(err, disclaim(b.ledger, ours, want, seen.table))
}

// verdict asks for a verdict without its reason.
func (b *Balancer) verdict(key spec.ServerKey) Verdict {
	v, _ := b.health.Server(key)
	return v
}

// write makes our part of the table the goal. When somebody else writes at the same time, the second
// attempt starts from what they made of it.
func (b *Balancer) write(ctx context.Context, seen view, ours map[ipvs.ServiceKey]bool, goal ipvs.Table) (view, error) {
	const attempts = 2
	var failure error
	ops := ipvs.Diff(only(seen.table, ours), goal)
	for range attempts {
		if len(ops) == 0 {
			return seen, nil
		}
		for _, op := range ops {
			b.log.Debug("write to the kernel's table", "command", op.String())
		}
		var writes int
		writes, failure = b.kernel.Apply(ctx, ops)
		failure = attribute(failure, seen.names)
		b.counters.wrote(writes)
		b.log.Info("changed the kernel's table", "writes", writes)
		table, stats, err := b.kernel.Read(ctx)
		if err != nil {
			return seen, errors.Join(failure, err)
		}
		seen.table, seen.stats, seen.at = table, stats, time.Now()
		left := ipvs.Diff(only(table, ours), goal)
		if slices.Equal(left, ops) {
			break
		}
		ops = left
	}
	if failure == nil && len(ops) > 0 {
		failure = fmt.Errorf("the kernel's table is not what was written: it would still take %d changes, the first being %s", len(ops), ops[0])
	}
	return seen, failure
}

// attribute says of each failed operation which virtual server it concerns.
func attribute(err error, names map[ipvs.ServiceKey]string) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, attribute(e, names))
		}
		return errors.Join(errs...)
	}
	if failed, ok := errors.AsType[*ipvs.Error](err); ok && names[failed.Op.Service] != "" {
		return &spec.ObjectError{Kind: spec.KindVirtualServer, Name: names[failed.Op.Service], Err: err}
	}
	return err
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

// noticeDrift logs and counts what somebody else has changed since the last pass: what is neither what
// we want nor what we wanted.
func (b *Balancer) noticeDrift(now view) {
	if b.base == nil {
		return
	}
	changed := map[spec.Drift]bool{}
	for _, d := range differences(now.table, b.base, now.names) {
		changed[place(d)] = true
	}
	for _, d := range now.drift() {
		if !changed[place(d)] || slices.Contains(b.noticed, d) {
			continue
		}
		b.counters.drifted(d)
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
		b.log.Error("the kernel's table is not what is wanted; trying again", "error", err)
	}
}

func namesOf(desired spec.Desired) map[ipvs.ServiceKey]string {
	names := make(map[ipvs.ServiceKey]string, len(desired.VirtualServers))
	for name, v := range desired.VirtualServers {
		names[serviceKey(v)] = name
	}
	return names
}
