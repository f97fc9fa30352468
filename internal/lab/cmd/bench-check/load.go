package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func measureTCP(ctx context.Context, s settings, t bench.Results) error {
	v := eachSecond()
	v.TCP = &spec.TCPCheck{}
	return measureLoad(ctx, s, t, fmt.Sprintf("%d TCP checks a second", s.tcp), s.tcp, portTCP, v)
}

func measureHTTP(ctx context.Context, s settings, t bench.Results) error {
	v := eachSecond()
	http := spec.DefaultHTTPCheck()
	v.HTTP = &http
	return measureLoad(ctx, s, t, fmt.Sprintf("%d HTTP checks a second", s.http), s.http, portHTTP, v)
}

func eachSecond() spec.HealthCheck {
	v := spec.DefaultHealthCheck()
	v.Interval, v.Timeout = spec.Duration(time.Second), spec.Duration(900*time.Millisecond)
	return v
}

// desire returns one service with n servers.
func desire(n, port int, check spec.HealthCheck) spec.Desired {
	d := spec.Desired{}.Clone()
	d.VirtualServers["web"] = spec.VirtualServer{HealthCheck: &check}
	for i := range n {
		d.RealServers.Put(spec.ServerKey{VirtualServer: "web", Address: netip.AddrPortFrom(serverAddress(i), uint16(port))}, spec.DefaultRealServer())
	}
	return d
}

// state is what a process has and has used.
type state struct {
	at                      time.Time
	processor               time.Duration
	resident                int64
	goroutines, descriptors int
	metrics                 check.Metrics
}

func stateOf(c *check.Checker) state {
	runtime.GC()
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	descriptors, _ := os.ReadDir("/proc/self/fd")
	return state{
		at: time.Now(), processor: time.Duration(u.Utime.Nano() + u.Stime.Nano()), resident: bench.Resident(os.Getpid()),
		goroutines: runtime.NumGoroutine(), descriptors: len(descriptors), metrics: c.Metrics(),
	}
}

// measureLoad checks n servers each second, on one core, while the server has any.
func measureLoad(ctx context.Context, s settings, t bench.Results, what string, n, port int, v spec.HealthCheck) (err error) {
	stop, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer stop()
	beforeOthers()
	if err := onOneCore(0); err != nil {
		return err
	}
	d := desire(n, port, v)
	c, end, err := checking(ctx, d, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := settle(ctx, c, d); err != nil {
		return err
	}
	before := stateOf(c)
	if err := pause(ctx, s.duration); err != nil {
		return err
	}
	after := stateOf(c)
	report(t, what, before, after, n)
	return nil
}

// checking checks as an agent does, until end is called.
func checking(ctx context.Context, d spec.Desired, changed func(...string)) (_ *check.Checker, end func() error, err error) {
	connector, err := check.NewConnector()
	if err != nil {
		return nil, nil, err
	}
	c := check.New(check.Config{Prober: check.Network{}, Starter: connector, Changed: changed})
	c.Set(d)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	return c, func() error {
		cancel()
		return errors.Join(<-ended, connector.Close())
	}, nil
}

// settle waits until all servers have been checked, and until the second rounds are over, after which rounds lie
// where they do for good.
func settle(ctx context.Context, c *check.Checker, d spec.Desired) error {
	for range 120 {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		unknown := 0
		for key := range d.RealServers.All() {
			if !settled(c, key) {
				unknown++
			}
		}
		if unknown == 0 {
			return pause(ctx, 3*time.Second)
		}
	}
	return errors.New("not all servers are what they are meant to be after two minutes")
}

// settled reports whether a server is what it is meant to be.
func settled(c *check.Checker, key spec.ServerKey) bool {
	verdict, _ := c.Server(key)
	if key.Address.Port() == portNobody {
		return verdict == check.Failing
	}
	return verdict == check.Passing
}

func report(t bench.Results, what string, before, after state, perSecond int) {
	took := after.at.Sub(before.at)
	rounds := after.metrics.Rounds - before.metrics.Rounds
	used := after.processor - before.processor
	t.AtLeast(what+": done", float64(rounds)/took.Seconds(), 0.99*float64(perSecond), "/s")
	t.Number(what+": processor time, of a core", 100*used.Seconds()/took.Seconds(), 100, "%")
	t.Figure(what+": processor time of one", (used / time.Duration(max(1, rounds))).Round(100*time.Nanosecond).String())
	t.Number(what+": 99 % begin later than due by at most, of the interval", 100*lateness(before.metrics.Lateness, after.metrics.Lateness, 0.99), 10.1, "%")
	t.Number(what+": left out", float64(after.metrics.Skipped-before.metrics.Skipped), float64(rounds)/1000+1, "")
	t.Figure(what+": memory", fmt.Sprintf("%.1f MB", float64(after.resident)/1e6))
	t.Number(what+": memory grew by", float64(after.resident-before.resident)/1e6, 20, "MB")
	// Of both there are as many as rounds go on at the moment.
	t.Number(what+": goroutines and descriptors, more than before", float64(max(after.goroutines-before.goroutines, after.descriptors-before.descriptors)), 100, "")
}

// lateness returns the bound below which that part of the rounds between began.
func lateness(before, after check.Lateness, part float64) float64 {
	bounds := make([]float64, 0, len(after.Buckets))
	for bound := range after.Buckets {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	all := float64(after.Count - before.Count)
	for _, bound := range bounds {
		if float64(after.Buckets[bound]-before.Buckets[bound]) >= part*all {
			return bound
		}
	}
	return 10
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
