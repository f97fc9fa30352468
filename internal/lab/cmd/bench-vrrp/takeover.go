package main

import (
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"

	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

const (
	// phase is where in the interval between two adverts the cut is made: else chance would decide.
	phase = 0.3
	// hardCutBound is how much longer than with keepalived the service may be away.
	hardCutBound = 1.05
	// stopBound is how long it may be away when a director is stopped in order.
	stopBound = 20 * time.Millisecond
	// enough answers in a row say that the service is back.
	enough = 30
	// patience bounds the wait for anything.
	patience = time.Minute
	// retries of a run in which the client itself was not in time.
	retries = 20
)

// measureTakeover compares how long the service is away when the active director goes: cut off, stopped in
// order, or asked to hand over, which keepalived cannot be. The programs take turns, so that they meet the
// same conditions.
func measureTakeover(ctx context.Context, s settings, dir, how string, interval time.Duration, t *table) error {
	v := virtualRouters{count: 1, interval: interval}
	return both(ctx, s, dir, v, func(ours, theirs *pair) error {
		pairs := []*pair{ours, theirs}
		if how == failover {
			pairs = pairs[:1]
		}
		gaps := map[*pair][]time.Duration{}
		for _, p := range pairs {
			if err := p.startTogether(ctx); err != nil {
				return err
			}
		}
		for range s.runs {
			for _, p := range pairs {
				gap, err := p.takeover(ctx, how, interval)
				if err != nil {
					return err
				}
				gaps[p] = append(gaps[p], gap)
			}
		}
		r := result{what: fmt.Sprintf("%s, adverts every %s: gap", how, interval), format: asMilliseconds, ours: seconds(median(gaps[ours]))}
		worst := result{what: "    worst of them", format: asMilliseconds, ours: seconds(slices.Max(gaps[ours]))}
		if len(gaps[theirs]) > 0 {
			r.compared, r.keepalived = true, seconds(median(gaps[theirs]))
			worst.compared, worst.keepalived = true, seconds(slices.Max(gaps[theirs]))
		}
		if how == cut {
			r.bound, r.kept = fmt.Sprintf("<= %.2f x keepalived's", hardCutBound), r.ours <= hardCutBound*r.keepalived
		} else {
			r.bound, r.kept = "<= "+stopBound.String(), median(gaps[ours]) <= stopBound
		}
		t.add(r)
		t.add(worst)
		return nil
	})
}

// The ways of going.
const (
	cut      = "cut"
	stop     = "stop"
	failover = "failover"
)

// takeover has the preferred director go, and tells how long the client was without an answer. A run in
// which the client itself was late is done again.
func (p *pair) takeover(ctx context.Context, how string, interval time.Duration) (gap time.Duration, err error) {
	client, err := startPinger(p.Client, virtual(1).Addr())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	for range retries {
		ctx, cancel := context.WithTimeout(ctx, patience)
		gap, stall, err := p.takeoverOnce(ctx, client, how, interval)
		cancel()
		// At long intervals it takes more to blur the result.
		if err != nil || stall <= max(probeStall, interval/50) {
			return gap, err
		}
		fmt.Fprintf(os.Stderr, "the client was late by %s: measuring again\n", stall)
	}
	return 0, errors.New("this machine is too busy to measure on: the client was never in time")
}

func (p *pair) takeoverOnce(ctx context.Context, client *pinger, how string, interval time.Duration) (gap, stall time.Duration, err error) {
	if err := p.wire.settled(ctx, 1, bench.Address1(), max(2*interval, 500*time.Millisecond)); err != nil {
		return 0, 0, err
	}
	if err := client.answers(ctx, enough); err != nil {
		return 0, 0, err
	}
	client.reset()
	seen, err := p.wire.next(ctx, from(bench.Address1()))
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(time.Until(seen.at.Add(time.Duration(phase * float64(interval)))))
	comeBack, err := p.leave(ctx, how)
	if err != nil {
		return 0, 0, err
	}
	// Every advert of the other one is a sign that it has taken over.
	if _, err := p.wire.next(ctx, from(bench.Address2())); err != nil {
		return 0, 0, err
	}
	if err := client.answers(ctx, enough); err != nil {
		return 0, 0, err
	}
	gap, stall = client.result()
	return gap, stall, comeBack()
}

// leave has the preferred director go.
func (p *pair) leave(ctx context.Context, how string) (comeBack func() error, err error) {
	switch how {
	case stop:
		return func() error { return p.d1.start(ctx) }, p.d1.stop()
	case failover:
		a, ok := p.d1.(*agent)
		if !ok {
			return nil, errors.New("only an agent can be asked to hand over")
		}
		return func() error { return a.failover(ctx, http.MethodDelete) }, a.failover(ctx, http.MethodPost)
	default:
		return p.H1.Restore, p.H1.Isolate()
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}
