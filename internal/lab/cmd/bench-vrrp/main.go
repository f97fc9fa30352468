// Command bench-vrrp holds the agent's VRRP against keepalived's: two pairs of directors on networks of
// their own, in the same run, measured by a client and a capture that know neither. It prints a table
// with a verdict for each bound and ends with exit status 1 when one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// settings are the flags.
type settings struct {
	agent     string
	parts     []string
	runs      int
	instances int
	interval  time.Duration
	load      time.Duration
	cpu       time.Duration
	flood     time.Duration
}

// parts are what can be measured, in the order in which it is.
func parts() []string {
	return []string{"cut-1s", "cut-100ms", "cut-10ms", "stop-1s", "failover-1s", "addresses", "cpu", "flood", "load"}
}

func main() { bench.Main("bench-vrrp", run) }

func run(ctx context.Context) (status int, err error) {
	s, err := readFlags()
	if err != nil {
		return 0, err
	}
	if !lab.HasRoot() {
		return 0, errors.New("network namespaces of this kernel are wanted, and so root: a guest has no time to measure with")
	}
	// The client's threads must not queue for one of the scheduler's processors when their sleep is over.
	runtime.GOMAXPROCS(runtime.NumCPU() + 4)
	dir, err := os.MkdirTemp("", "lvs-bench-vrrp-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := newTable(os.Stdout)
	for _, part := range s.parts {
		if err := measure(ctx, s, dir, part, t); err != nil {
			return 0, fmt.Errorf("%s: %w", part, err)
		}
	}
	return t.Status(), nil
}

func measure(ctx context.Context, s settings, dir, part string, t *table) error {
	switch part {
	case "addresses":
		return measureAddresses(ctx, s, dir, t)
	case "cpu":
		return measureCost(ctx, s, dir, t)
	case "flood":
		return measureFlood(ctx, s, dir, t)
	case "load":
		return measureUnderLoad(ctx, s, dir, t)
	}
	how, text, _ := strings.Cut(part, "-")
	interval, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	return measureTakeover(ctx, s, dir, how, interval, t)
}

func readFlags() (settings, error) {
	var s settings
	var list string
	flag.StringVar(&s.agent, "agent", filepath.Join("bin", "lvs-agent"), "the agent's program")
	flag.StringVar(&list, "parts", strings.Join(parts(), ","), "what to measure")
	flag.IntVar(&s.runs, "runs", 10, "takeovers of each kind, of which the median counts")
	flag.IntVar(&s.instances, "instances", 250, "virtual routers of the parts cpu, flood and load")
	flag.DurationVar(&s.interval, "interval", 100*time.Millisecond, "how often those advertise")
	flag.DurationVar(&s.load, "load", time.Minute, "how long the part load counts transitions")
	flag.DurationVar(&s.cpu, "cpu", 20*time.Second, "how long the part cpu counts processor time")
	flag.DurationVar(&s.flood, "flood", 5*time.Second, "how long each flood of the part flood lasts")
	flag.Parse()
	var err error
	if s.parts, err = bench.Parts(list, parts()); err != nil {
		return s, err
	}
	if s.runs < 1 || s.instances < 1 || s.instances > 255 {
		return s, errors.New("-runs is 1 or more, -instances 1 to 255")
	}
	s.agent, err = filepath.Abs(s.agent)
	for _, program := range []string{s.agent, "keepalived", "stress-ng"} {
		if _, missing := exec.LookPath(program); missing != nil {
			err = errors.Join(err, missing)
		}
	}
	return s, err
}
