// Command bench-api measures an agent's API while the agent is the active one of a pair of directors, on a network of
// their own: writes of single real servers, each answered when it is on disk and in the table, and reads of a snapshot
// that has not changed, beside a net/http server that does nothing else. What the adverts of the pair do meanwhile is
// seen from the wire. It prints a table with a verdict for each bound and ends with exit status 1 when one is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// settings are the flags.
type settings struct {
	agent    string
	parts    []string
	duration time.Duration
	routers  int
	services int
	servers  int
	writes   int
	writers  int
	reads    int
	readers  int
	inside   string // what this process is for; set by the one that started it
	bare     bare
}

// parts are what can be measured, in the order in which it is.
func parts() []string { return []string{"writes", "reads"} }

// insideBare is the process that is the server beside the agent.
const insideBare = "bare"

func main() { bench.Main("bench-api", run) }

func run(ctx context.Context) (status int, err error) {
	s, err := readFlags()
	if err != nil {
		return 0, err
	}
	if s.inside == insideBare {
		return 0, s.bare.serve(ctx)
	}
	if !lab.HasRoot() {
		return 0, errors.New("network namespaces of this kernel are wanted, and so root: a guest has no time to measure with")
	}
	dir, err := os.MkdirTemp("", "lvs-bench-api-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if lab.HasIPVS() {
		fmt.Println("with this kernel's IPVS:")
	} else {
		fmt.Println("this kernel has no IPVS: the agent keeps the table in memory; all else is as ever")
		s.agent += "-memoryipvs"
	}
	p, err := newPair(ctx, s, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	t := bench.NewResults(os.Stdout)
	for _, part := range s.parts {
		do := map[string]func(context.Context, settings, *pair, bench.Results) error{"writes": measureWrites, "reads": measureReads}[part]
		if err := do(ctx, s, p, t); err != nil {
			return 0, fmt.Errorf("%s: %w", part, err)
		}
	}
	return t.Status(), nil
}

func readFlags() (settings, error) {
	var s settings
	var list string
	flag.StringVar(&s.agent, "agent", filepath.Join("bin", "lvs-agent"), "the agent's program; with -memoryipvs behind its name, the one for a kernel without IPVS")
	flag.StringVar(&list, "parts", strings.Join(parts(), ","), "what to measure")
	flag.DurationVar(&s.duration, "duration", 20*time.Second, "how long each load lasts")
	flag.IntVar(&s.routers, "routers", 10, "virtual routers that advertise every 100ms")
	flag.IntVar(&s.services, "services", 100, "virtual servers")
	flag.IntVar(&s.servers, "servers", 10, "real servers of each")
	flag.IntVar(&s.writes, "writes", 2000, "writes a second of the part writes")
	flag.IntVar(&s.writers, "writers", 16, "clients that write")
	flag.IntVar(&s.reads, "reads", 20000, "reads a second that the part reads is to come to")
	flag.IntVar(&s.readers, "readers", 32, "clients that read")
	flag.StringVar(&s.inside, "inside", "", "for the program's own use")
	flag.StringVar(&s.bare.cert, "cert", "", "for the program's own use")
	flag.StringVar(&s.bare.key, "key", "", "for the program's own use")
	flag.StringVar(&s.bare.listen, "listen", "", "for the program's own use")
	flag.Parse()
	var err error
	if s.parts, err = bench.Parts(list, parts()); err != nil {
		return s, err
	}
	if min(s.routers, s.services, s.servers, s.writes, s.writers, s.reads, s.readers) < 1 || s.routers > 255 || s.services > 60000 || s.servers > 200 {
		return s, errors.New("-routers is 1 to 255, -services 1 to 60000, -servers 1 to 200, and all others 1 or more")
	}
	s.agent, err = filepath.Abs(s.agent)
	return s, err
}
