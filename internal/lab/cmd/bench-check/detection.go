package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// deaths is how many servers die in either way.
	deaths = 20
	// wakeUp is what a verdict may be late by on a machine that other work shares.
	wakeUp = 50 * time.Millisecond
)

// measureDetection has servers die, one after the other: some refuse connections from then on, some are silent. A
// server dies somewhere between two rounds, so it takes fall - 1 to fall intervals until the last round that
// is needed begins, and silence takes the timeout besides.
func measureDetection(ctx context.Context, _ settings, t bench.Results) error {
	beforeOthers()
	v := eachSecond()
	v.Interval, v.Timeout, v.Fall, v.TCP = spec.Duration(500*time.Millisecond), spec.Duration(200*time.Millisecond), 3, &spec.TCPCheck{}
	soonest, latest := 2*v.Interval.Std(), 3*v.Interval.Std()
	for _, way := range []struct {
		name      string
		more      time.Duration
		kill      func(*mortal) error
		direction byte
	}{
		{"refused", 0, (*mortal).refuse, 1},
		{"silent", v.Timeout.Std(), (*mortal).vanish, 2},
	} {
		took, err := detect(ctx, v, way.direction, way.kill)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("a dead server, %s, by %d checks %s apart", way.name, v.Fall, v.Interval.Std())
		t.Between(what+": soonest", took[0], soonest+way.more-wakeUp, latest+way.more+wakeUp)
		t.Between(what+": latest", took[len(took)-1], soonest+way.more-wakeUp, latest+way.more+wakeUp)
	}
	return nil
}

// detect returns how long each death took to be noticed, in order.
func detect(ctx context.Context, v spec.HealthCheck, network byte, kill func(*mortal) error) (took []time.Duration, err error) {
	servers, bury, err := bear(network, deaths)
	if err != nil {
		return nil, err
	}
	defer bury()
	d := spec.Desired{}.Clone()
	d.VirtualServers["web"] = spec.VirtualServer{HealthCheck: &v}
	for _, m := range servers {
		d.RealServers.Put(m.key(), spec.DefaultRealServer())
	}
	changed := make(chan struct{}, 1)
	c, end, err := checking(ctx, d, func(...string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	for _, m := range servers {
		if verdict, reason := c.Server(m.key()); verdict != check.Passing {
			return nil, fmt.Errorf("%s is %s before it died: %s", m.at, verdict, reason)
		}
		died := time.Now()
		if err := kill(m); err != nil {
			return nil, err
		}
		for verdict := check.Passing; verdict != check.Failing; verdict, _ = c.Server(m.key()) {
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(10 * time.Second):
				return nil, fmt.Errorf("nobody notices that %s is dead", m.at)
			}
		}
		took = append(took, time.Since(died))
	}
	slices.Sort(took)
	return took, nil
}
