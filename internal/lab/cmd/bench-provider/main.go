// Command bench-provider measures the provider with the real terraform on two agents in memory: a plan of many
// real servers beside one of an empty provider with the same schema, and a group of very many. It prints a table with
// a verdict for each bound and ends with exit status 1 when one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// settings are the flags.
type settings struct {
	bin, terraform string
	parts          []string
	servers, pool  int
	times          int
}

// parts are what can be measured, in the order in which it is.
func parts() []string { return []string{"servers", "group"} }

func main() { bench.Main("bench-provider", run) }

func run(ctx context.Context) (status int, err error) {
	s, err := readFlags()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "lvs-bench-provider-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := newTable(os.Stdout)
	for _, part := range s.parts {
		do := map[string]func(context.Context, *cluster, *table) error{"servers": measureServers, "group": measureGroup}[part]
		if err := measure(ctx, s, filepath.Join(dir, part), t, do); err != nil {
			return 0, fmt.Errorf("%s: %w", part, err)
		}
	}
	return t.Status(), nil
}

// measure runs a part with agents and a folder of its own.
func measure(ctx context.Context, s settings, dir string, t *table, do func(context.Context, *cluster, *table) error) (err error) {
	c := &cluster{settings: s, dir: dir}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.start(ctx); err != nil {
		return err
	}
	return do(ctx, c, t)
}

func readFlags() (settings, error) {
	var s settings
	var list string
	flag.StringVar(&s.bin, "bin", "bin", "folder of the programs lvs-agent, terraform-provider-lvs and terraform-provider-empty")
	flag.StringVar(&s.terraform, "terraform", "terraform", "Terraform's program, or OpenTofu's")
	flag.StringVar(&list, "parts", strings.Join(parts(), ","), "what to measure")
	flag.IntVar(&s.servers, "servers", 500, "real servers of the part servers")
	flag.IntVar(&s.pool, "pool", 5000, "real servers of the part group")
	flag.IntVar(&s.times, "times", 3, "how often a command is run; the quickest counts")
	flag.Parse()
	var err error
	if s.parts, err = bench.Parts(list, parts()); err != nil {
		return s, err
	}
	if min(s.servers, s.pool, s.times) < 1 || max(s.servers, s.pool) > 60000 {
		return s, errors.New("-servers and -pool are 1 to 60000, -times 1 or more")
	}
	s.bin, err = filepath.Abs(s.bin)
	return s, err
}
