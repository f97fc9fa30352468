package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

const (
	// fewDeaths is how many servers of either daemon die in either way.
	fewDeaths = 5
	// tick is what being out of the table may be early or late by: a round's place on the timetable, and the change and
	// the reading of the table in a guest.
	tick = 100 * time.Millisecond
)

// measureDeaths has servers die, one after the other, and says when the kernel's table has no connections for them any
// more, with either daemon. What it takes to look at the table is in it.
func measureDeaths(ctx context.Context, s settings, t bench.Results) (err error) {
	v := eachSecond()
	soonest, latest := 2*v.Interval.Std(), 3*v.Interval.Std()
	network := byte(10)
	for _, way := range []struct {
		name string
		more time.Duration
		kill func(*mortal) error
	}{
		{"refused", 0, (*mortal).refuse},
		{"silent", v.Timeout.Std(), (*mortal).vanish},
	} {
		what := fmt.Sprintf("out of the table, a dead server, %s, by 3 checks 1s apart", way.name)
		theirs, err := mourn(ctx, network, way.kill, keepalived)
		if err != nil {
			return fmt.Errorf("keepalived: %w", err)
		}
		ours, err := mourn(ctx, network+1, way.kill, s.lvsAgent)
		if err != nil {
			return fmt.Errorf("lvs-agent: %w", err)
		}
		network += 2
		t.Figure(what+": keepalived", fmt.Sprintf("%.2f to %.2f s", theirs[0].Seconds(), theirs[len(theirs)-1].Seconds()))
		t.Between(what+": soonest", ours[0], soonest+way.more-tick, latest+way.more+tick)
		t.Between(what+": latest", ours[len(ours)-1], soonest+way.more-tick, latest+way.more+tick)
	}
	return nil
}

// mourn returns how long after its death each server was out of the table, in order.
func mourn(ctx context.Context, network byte, kill func(*mortal) error, configure func(dir string, servers []netip.AddrPort) (argv []string, err error)) (took []time.Duration, err error) {
	dir, err := os.MkdirTemp("", "lvs-bench-check-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	servers, bury, err := bear(network, fewDeaths)
	if err != nil {
		return nil, err
	}
	defer bury()
	var addresses []netip.AddrPort
	for _, m := range servers {
		addresses = append(addresses, m.at)
	}
	argv, err := configure(dir, addresses)
	if err != nil {
		return nil, err
	}
	d, err := start(ctx, dir, len(servers), argv)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := pause(ctx, 3*time.Second); err != nil { // until the rounds lie where they do for good
		return nil, err
	}
	for _, m := range servers {
		died := time.Now()
		if err := kill(m); err != nil {
			return nil, err
		}
		for served := map[netip.AddrPort]bool{m.at: true}; served[m.at]; {
			if time.Since(died) > 20*time.Second {
				return nil, fmt.Errorf("nobody notices that %s is dead", m.at)
			}
			if err := pause(ctx, 2*time.Millisecond); err != nil {
				return nil, err
			}
			if served, err = d.served(ctx); err != nil {
				return nil, err
			}
		}
		took = append(took, time.Since(died))
	}
	slices.Sort(took)
	return took, nil
}
