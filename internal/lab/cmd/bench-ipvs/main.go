// Command bench-ipvs holds the agent's way to the kernel's IPVS table against ipvsadm's and moby/ipvs's:
// the same table, in the same run, on the same kernel. Where the running one has no IPVS it runs itself in
// a guest. It prints a table with a verdict for each bound and ends with exit status 1 when one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// settings are the flags.
type settings struct {
	agent    string
	parts    []string
	services int
	servers  int
	pool     int
	changes  int
}

// parts are what can be measured, in the order in which it is.
func parts() []string { return []string{"table", "pool", "resync", "change", "memory"} }

func main() { bench.Main("bench-ipvs", run) }

func run(ctx context.Context) (status int, err error) {
	s, err := readFlags()
	if err != nil {
		return 0, err
	}
	if lab.HasRoot() && lab.HasIPVS() {
		return measure(ctx, s)
	}
	return bench.InGuest(ctx)
}

func measure(ctx context.Context, s settings) (status int, err error) {
	dir, err := os.MkdirTemp("", "lvs-bench-ipvs-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := bench.NewResults(os.Stdout)
	for _, part := range s.parts {
		do := map[string]func(context.Context, settings, string, bench.Results) error{
			"table": measureTable, "pool": measurePool, "resync": measureResync, "change": measureChange, "memory": measureMemory,
		}[part]
		if err := do(ctx, s, dir, t); err != nil {
			return 0, fmt.Errorf("%s: %w", part, err)
		}
	}
	return t.Status(), nil
}

func readFlags() (settings, error) {
	var s settings
	var list string
	flag.StringVar(&s.agent, "agent", filepath.Join("bin", "lvs-agent"), "the agent's program")
	flag.StringVar(&list, "parts", strings.Join(parts(), ","), "what to measure")
	flag.IntVar(&s.services, "services", 1000, "services of the parts table and change")
	flag.IntVar(&s.servers, "servers", 10, "servers of each")
	flag.IntVar(&s.pool, "pool", 10000, "servers of the one service of the parts pool, resync and memory")
	flag.IntVar(&s.changes, "changes", 300, "changes of the part change")
	flag.Parse()
	var err error
	if s.parts, err = bench.Parts(list, parts()); err != nil {
		return s, err
	}
	if min(s.services, s.servers, s.pool, s.changes) < 1 || s.services > 60000 || s.servers > 200 || s.pool > 60000 {
		return s, errors.New("-services and -pool are 1 to 60000, -servers 1 to 200, -changes 1 or more")
	}
	s.agent, err = filepath.Abs(s.agent)
	return s, err
}
