package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// measureCost has either daemon check the same servers, one after the other.
func measureCost(ctx context.Context, s settings, t bench.Results) (err error) {
	dir, err := os.MkdirTemp("", "lvs-bench-check-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stop, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer stop()
	servers := make([]netip.AddrPort, s.servers)
	for i := range servers {
		servers[i] = netip.AddrPortFrom(serverAddress(i), portTCP)
	}
	argv, err := keepalived(dir, servers)
	if err != nil {
		return err
	}
	_, theirs, err := spend(ctx, s, dir, argv)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d TCP checks a second: processor time, of a core", s.servers)
	t.Figure(what+": keepalived", percent(theirs.Time, s.duration))
	t.Figure("  memory", fmt.Sprintf("%.1f MB", float64(theirs.Memory)/1e6))
	if argv, err = s.lvsAgent(dir, servers); err != nil {
		return err
	}
	before, ours, err := spend(ctx, s, dir, argv)
	if err != nil {
		return err
	}
	t.Ratio(what+": lvs-agent "+percent(ours.Time, s.duration), ours.Time, theirs.Time, 1.5)
	t.Figure("  memory", fmt.Sprintf("%.1f MB", float64(ours.Memory)/1e6))
	t.Number("  memory grew by", float64(ours.Memory-before.Memory)/1e6, 20, "MB")
	return nil
}

// spend runs a daemon until all servers are in the table and a while longer. It returns what it had then, and what it
// has after the measurement, and has used in it.
func spend(ctx context.Context, s settings, dir string, argv []string) (before, after bench.Usage, err error) {
	d, err := start(ctx, dir, s.servers, argv)
	if err != nil {
		return before, after, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := pause(ctx, 5*time.Second); err != nil {
		return before, after, err
	}
	before = d.usage()
	err = pause(ctx, s.duration)
	after = d.usage()
	after.Time -= before.Time
	return before, after, err
}

func percent(d, of time.Duration) string { return fmt.Sprintf("%.1f %%", 100*d.Seconds()/of.Seconds()) }
