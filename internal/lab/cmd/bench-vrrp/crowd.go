package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

const (
	// costBound is how many times keepalived's processor time is fine.
	costBound = 1.5
	// memoryBound is what an agent may hold in memory.
	memoryBound = 40e6
	// quiet is how long nothing may have changed before a first election is over.
	quiet = 3 * time.Second
	// electionPatience bounds the wait for that. An election of keepalived's may not come to an end on a
	// busy machine.
	electionPatience = time.Minute
)

// measureCost compares what many virtual routers cost while nothing happens.
func measureCost(ctx context.Context, s settings, dir string, t *table) error {
	v := virtualRouters{count: s.instances, interval: s.interval}
	return both(ctx, s, dir, v, func(ours, theirs *pair) error {
		var cost [2][2]bench.Usage // program, role
		for i, p := range []*pair{ours, theirs} {
			if err := p.startInTurn(ctx, v); err != nil {
				return err
			}
			before := [2]bench.Usage{bench.UsageOf(p.d1.group()), bench.UsageOf(p.d2.group())}
			select {
			case <-time.After(s.cpu):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			for j, d := range []program{p.d1, p.d2} {
				cost[i][j] = bench.UsageOf(d.group())
				cost[i][j].Time -= before[j].Time
			}
			if err := errors.Join(p.d1.stop(), p.d2.stop()); err != nil {
				return err
			}
		}
		for role, name := range []string{"active", "backup"} {
			a, b := seconds(cost[0][role].Time)/s.cpu.Seconds(), seconds(cost[1][role].Time)/s.cpu.Seconds()
			t.add(result{what: fmt.Sprintf("%d at %s, %s: share of a core", v.count, v.interval, name), format: asPercent,
				ours: a, keepalived: b, compared: true, bound: fmt.Sprintf("<= %.1f x keepalived's", costBound), kept: a <= costBound*b})
		}
		for role, name := range []string{"active", "backup"} {
			a, b := float64(cost[0][role].Memory), float64(cost[1][role].Memory)
			t.add(result{what: fmt.Sprintf("%d at %s, %s: resident memory", v.count, v.interval, name), format: asMegabytes,
				ours: a, keepalived: b, compared: true, bound: "< " + asMegabytes(memoryBound), kept: a < memoryBound})
		}
		if a, ok := ours.d1.(*agent); ok && len(a.puts) >= 2*fewPuts {
			first, last := median(a.puts[:fewPuts]), median(a.puts[len(a.puts)-fewPuts:])
			t.add(result{what: "    a PUT of one of the first of them", format: asMilliseconds, ours: seconds(first)})
			t.add(result{what: "    a PUT of one of the last", format: asMilliseconds, ours: seconds(last)})
		}
		return nil
	})
}

// fewPuts are enough for a median.
const fewPuts = 25

// startInTurn starts the preferred program, and the other when that one has all virtual routers, so that
// there is no contest.
func (p *pair) startInTurn(ctx context.Context, v virtualRouters) error {
	for _, d := range []program{p.d1, p.d2} {
		if err := d.start(ctx); err != nil {
			return err
		}
		if err := p.elected(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// elected waits until the preferred program has all virtual routers and nothing moves any more.
func (p *pair) elected(ctx context.Context, v virtualRouters) error {
	ctx, cancel := context.WithTimeout(ctx, electionPatience)
	defer cancel()
	return p.wire.settled(ctx, v.count, bench.Address1(), quiet)
}

// measureUnderLoad counts transitions of many virtual routers on a machine all of whose cores are busy.
func measureUnderLoad(ctx context.Context, s settings, dir string, t *table) error {
	v := virtualRouters{count: s.instances, interval: s.interval}
	return both(ctx, s, dir, v, func(ours, theirs *pair) (err error) {
		stop, err := loadAllCores(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		var first, later [2]int
		for i, p := range []*pair{ours, theirs} {
			if err := p.startTogether(ctx); err != nil {
				return err
			}
			// The first election is over when ours is. The same time is given to keepalived's.
			if err := p.elected(ctx, v); err != nil && p == ours {
				return err
			}
			first[i] = p.wire.count()
			before, err := p.lateness(ctx)
			if err != nil {
				return err
			}
			select {
			case <-time.After(s.load):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			later[i] = p.wire.count() - first[i]
			after, err := p.lateness(ctx)
			if err != nil {
				return err
			}
			for _, share := range []float64{0.99, 1} {
				if p == ours {
					t.add(result{what: fmt.Sprintf("%d at %s, busy cores: %g %% of adverts late by", v.count, v.interval, share*100),
						format: asAtMost, ours: after.since(before).quantile(share)})
				}
			}
			if err := errors.Join(p.d1.stop(), p.d2.stop()); err != nil {
				return err
			}
		}
		t.add(result{what: fmt.Sprintf("%d at %s, busy cores: changes at the start", v.count, v.interval), format: asCount,
			ours: float64(first[0]), keepalived: float64(first[1]), compared: true})
		t.add(result{what: fmt.Sprintf("    in %s after the first election", s.load), format: asCount,
			ours: float64(later[0]), keepalived: float64(later[1]), compared: true, bound: "none", kept: later[0] == 0})
		return nil
	})
}

// lateness asks the active program how late its adverts were so far. Only an agent tells.
func (p *pair) lateness(ctx context.Context) (histogram, error) {
	a, ok := p.d1.(*agent)
	if !ok {
		return histogram{}, nil
	}
	_, metrics, err := a.Call(ctx, http.MethodGet, "/metrics", "")
	if err != nil {
		return histogram{}, err
	}
	return readHistogram(metrics, "lvs_vrrp_advert_lateness_seconds")
}

// loadAllCores keeps every core busy until stop, which fails if they were not all the time.
func loadAllCores(ctx context.Context) (stop func() error, err error) {
	cmd := exec.CommandContext(ctx, "stress-ng", "--quiet", "--cpu", strconv.Itoa(runtime.NumCPU()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		// Pdeathsig is sent when the thread ends that started the program (prctl(2)): this one does not before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("load all cores: %w", err)
	}
	return func() error {
		select {
		case err := <-ended:
			return fmt.Errorf("the cores were not busy all the time: stress-ng ended: %w", err)
		default:
		}
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		var killed *exec.ExitError
		if end := <-ended; !errors.As(end, &killed) {
			err = errors.Join(err, end)
		}
		return err
	}, nil
}
