package tune

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

// pass makes the settings what is wanted, once. It is not interrupted by the context, half-way: the kernel has
// its own deadlines.
func (t *Tuner) pass(ctx context.Context, s scope) error {
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.suspended {
		return nil
	}
	t.mu.Lock()
	v, known, resting := t.wanted, t.asked, t.resting
	t.mu.Unlock()
	if !known {
		return nil
	}
	role := RoleOther
	if v != nil && v.ConnectionSync != nil && v.ConnectionSync.Follow != "" && !resting {
		role = t.Roles.Role(v.ConnectionSync.Follow)
	}
	err := t.reconcile(context.WithoutCancel(ctx), v, role, s)
	if err != nil {
		t.counters.Failed()
		err = &spec.ObjectError{Kind: spec.KindIPVSSettings, Name: spec.IPVSSettingsKey, Err: err}
	}
	t.logOutcome(err)
	return err
}

// reconcile reads, decides, writes and reads back.
func (t *Tuner) reconcile(ctx context.Context, v *spec.IPVSSettings, role Role, s scope) error {
	before, err := formersOf(t.Ledger, t.Identity)
	if err != nil {
		return err
	}
	now, err := t.read(ctx)
	if err != nil {
		return t.unavailable(v, before, err)
	}
	want := aim(v, before, role, now)
	if t.succeeds && t.base == nil && t.DriftPolicy == Report {
		t.base = &want // it wanted the same: what differs is somebody else's change
	}
	t.noticeDrift(now, want)
	sync := v != nil && v.ConnectionSync != nil
	if err := before.record(t.Ledger, t.Identity, now.numbers, asked(v), sync); err != nil {
		t.show(now, want, err)
		return err
	}
	goal := want
	if t.DriftPolicy == Report && s == whatWeChanged {
		goal = hold(t.base, now, want)
	}
	now, failure := t.write(ctx, now, goal)
	if failure == nil {
		t.base = &want
	} else {
		t.base = halfway(t.base, now, want)
	}
	t.settleDrift(differences(now, want))
	t.show(now, want, failure)
	return errors.Join(failure, before.settle(t.Ledger, now, asked(v), sync))
}

// read returns the settings as they are. IPVS comes first: its sysctls are there once its module is.
func (t *Tuner) read(ctx context.Context) (settings, error) {
	kernel, err := t.IPVS.Settings(ctx)
	if err != nil {
		return settings{}, err
	}
	now := settings{daemons: daemons{kernel.Master, kernel.Backup}, numbers: numbers{
		timeoutTCP:    int(kernel.Timeouts.TCP / time.Second),
		timeoutTCPFin: int(kernel.Timeouts.TCPFin / time.Second),
		timeoutUDP:    int(kernel.Timeouts.UDP / time.Second),
	}}
	for _, f := range sysctls() {
		switch value, err := t.Machine.Sysctl(f.key()); {
		case err == nil:
			now.numbers[f] = value
		case !absent(err):
			return settings{}, fmt.Errorf("read %s: %w", f.key(), err)
		}
	}
	return now, nil
}

// write makes the settings the goal and returns them as they are then. What fails does not stop the rest.
func (t *Tuner) write(ctx context.Context, now, goal settings) (settings, error) {
	writes := 0
	err := errors.Join(
		t.writeSysctls(now.numbers, goal.numbers, &writes),
		t.writeTimeouts(ctx, now.numbers, goal.numbers, &writes),
		t.writeDaemons(ctx, now.daemons, goal.daemons, &writes),
	)
	if writes == 0 {
		return now, err
	}
	t.counters.Wrote(writes)
	t.Log.Info("changed the settings of IPVS", "writes", writes)
	after, bad := t.read(ctx)
	if bad != nil {
		return now, errors.Join(err, bad)
	}
	if left := differences(after, goal); err == nil && len(left) > 0 {
		err = fmt.Errorf("the settings are not what was written: %s is %s, and not %s", left[0].Field, left[0].Actual, left[0].Want)
	}
	return after, err
}

func (t *Tuner) writeSysctls(now, goal numbers, writes *int) error {
	var errs []error
	for _, f := range sysctls() {
		want, wanted := goal[f]
		is, there := now[f]
		switch {
		case !wanted || there && is == want:
			continue
		case !there:
			errs = append(errs, errors.New(f.missing()))
			continue
		}
		t.Log.Debug("write to the kernel", "command", fmt.Sprintf("sysctl -w %s=%d", f.key(), want))
		*writes++
		if err := t.Machine.SetSysctl(f.key(), want); err != nil {
			errs = append(errs, fmt.Errorf("set %s to %d: %w", f.key(), want, err))
		}
	}
	return errors.Join(errs...)
}

func (t *Tuner) writeTimeouts(ctx context.Context, now, goal numbers, writes *int) error {
	other := numbers{}
	for _, f := range []field{timeoutTCP, timeoutTCPFin, timeoutUDP} {
		if want, wanted := goal[f]; wanted && now[f] != want {
			other[f] = want
		}
	}
	if len(other) == 0 {
		return nil
	}
	*writes++
	t.Log.Debug("write to the kernel", "command", other.timeouts().String())
	return t.IPVS.SetTimeouts(ctx, other.timeouts())
}

// writeDaemons starts what is wanted before it stops what is not: a director that takes over hears until it
// tells.
func (t *Tuner) writeDaemons(ctx context.Context, now, goal daemons, writes *int) error {
	var errs []error
	for i, want := range goal.slots() {
		if want != nil {
			errs = append(errs, t.keepDaemon(ctx, i, now.slots()[i], *want, writes))
		}
	}
	for i, is := range now.slots() {
		if is != nil && goal.slots()[i] == nil {
			t.on[i] = 0
			errs = append(errs, t.stopDaemon(ctx, *is, writes))
		}
	}
	return errors.Join(errs...)
}

// keepDaemon has a daemon run as wanted. One that does is restarted all the same when its interface is another
// one of the same name by now: its sockets are on the one that is gone.
func (t *Tuner) keepDaemon(ctx context.Context, slot int, is *ipvs.SyncDaemon, want ipvs.SyncDaemon, writes *int) error {
	index, err := t.reach(want)
	if err != nil {
		return fmt.Errorf("run the %s sync daemon: %w", want.State, err)
	}
	anew := t.on[slot] != 0 && t.on[slot] != index
	if satisfied(is, &want) && !anew {
		t.on[slot] = index
		return nil
	}
	if is != nil {
		if err := t.stopDaemon(ctx, *is, writes); err != nil {
			return err
		}
	}
	t.Log.Debug("write to the kernel", "command", want.String())
	*writes++
	if err := t.IPVS.StartDaemon(ctx, want); err != nil {
		return err
	}
	t.on[slot] = index
	t.Log.Info("started a sync daemon", "state", want.State.String(), "interface", want.Interface)
	return nil
}

func (t *Tuner) stopDaemon(ctx context.Context, d ipvs.SyncDaemon, writes *int) error {
	*writes++
	if err := t.IPVS.StopDaemon(ctx, d); err != nil {
		return err
	}
	t.Log.Info("stopped a sync daemon", "state", d.State.String(), "interface", d.Interface)
	return nil
}

// unavailable notes that the kernel cannot be read. That is no failure while nothing is wanted of it, and
// nothing to be put back.
func (t *Tuner) unavailable(v *spec.IPVSSettings, before formers, err error) error {
	t.mu.Lock()
	t.view = view{reason: err.Error(), at: time.Now()}
	t.mu.Unlock()
	if !errors.Is(err, ipvs.ErrUnavailable) {
		return err
	}
	t.base, t.on = nil, [2]int{} // what was there is gone with it
	if v == nil {
		return before.settle(t.Ledger, settings{}, nil, false)
	}
	return err
}

// noticeDrift logs and counts what somebody else has changed since the last pass: what is neither what we want
// nor what we wanted.
func (t *Tuner) noticeDrift(now, want settings) {
	if t.base == nil {
		return
	}
	changed := map[string]bool{}
	for _, d := range differences(now, *t.base) {
		changed[d.Field] = true
	}
	for _, d := range differences(now, want) {
		if !changed[d.Field] || slices.Contains(t.noticed, d) {
			continue
		}
		t.noticed = append(slices.DeleteFunc(t.noticed, func(old spec.Drift) bool { return old.Field == d.Field }), d)
		t.counters.Drifted(d.Field)
		t.Publish(d.Event(spec.EventDriftNoticed))
		t.Log.Warn("somebody else changed a setting of IPVS", "field", d.Field, "actual", d.Actual, "want", d.Want, "drift_policy", string(t.DriftPolicy))
	}
}

// settleDrift keeps, of what was noticed, what is left, and tells of what was put right.
func (t *Tuner) settleDrift(left []spec.Drift) {
	t.noticed = slices.DeleteFunc(t.noticed, func(d spec.Drift) bool {
		gone := !slices.ContainsFunc(left, func(other spec.Drift) bool { return other.Field == d.Field })
		if gone {
			t.Publish(d.Event(spec.EventDriftRepaired))
		}
		return gone
	})
}

// logOutcome logs a failure when it begins or changes, and when it is over.
func (t *Tuner) logOutcome(err error) {
	switch {
	case err == nil && t.logged != "":
		t.logged = ""
		t.Log.Info("the settings of IPVS are what is wanted again")
	case err != nil && err.Error() != t.logged:
		t.logged = err.Error()
		t.Log.Error("the settings of IPVS are not what is wanted; trying again", "error", err)
	}
}
