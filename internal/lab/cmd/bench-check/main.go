// Command bench-check measures health checks: how many a second on one core, how punctual they are, what they leave
// behind, how soon a dead server is found, and, in a guest with IPVS, what they cost beside keepalived's and how soon a
// dead server is out of the table. It prints a table with a verdict for each bound and ends with exit status 1 when one
// is missed. All traffic stays in a network namespace of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// settings are the flags.
type settings struct {
	agent     string
	parts     []string
	duration  time.Duration
	tcp, http int
	servers   int
	inside    string // what this process is for; set by the one that started it
}

// parts are what can be measured, in the order in which it is.
func parts() []string { return append(usualParts(), "growth") }

// usualParts are those that take no more than a minute each.
func usualParts() []string { return []string{"tcp", "http", "detection", "cost", "deaths"} }

// Processes that a measurement consists of.
const (
	insideNamespace = "namespace"
	insideServer    = "server"
)

func main() { bench.Main("bench-check", run) }

func run(ctx context.Context) (status int, err error) {
	s, err := readFlags()
	if err != nil {
		return 0, err
	}
	switch s.inside {
	case insideNamespace:
		return measure(ctx, s)
	case insideServer:
		return 0, serve(ctx)
	}
	native := slices.DeleteFunc(slices.Clone(s.parts), wantsIPVS)
	if len(native) > 0 {
		fmt.Fprintln(os.Stdout, "natively:")
		if status, err = again(ctx, native); err != nil {
			return 0, err
		}
	}
	beside := slices.DeleteFunc(slices.Clone(s.parts), func(part string) bool { return !wantsIPVS(part) })
	if len(beside) == 0 {
		return status, nil
	}
	fmt.Fprintln(os.Stdout, "beside keepalived:")
	var missed int
	if lab.HasRoot() && lab.HasIPVS() {
		missed, err = again(ctx, beside)
	} else {
		beforeOthers() // the guest's processor time is the machine's
		missed, err = bench.InGuest(ctx, "-parts", strings.Join(beside, ","), "-inside", insideNamespace)
	}
	return max(status, missed), err
}

// wantsIPVS reports whether a part is measured beside keepalived, which a kernel without IPVS ends.
func wantsIPVS(part string) bool { return part == "cost" || part == "deaths" }

// again runs the parts in this program, in a network namespace of its own.
func again(ctx context.Context, parts []string) (status int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, append(slices.Clone(os.Args[1:]), "-parts", strings.Join(parts, ","), "-inside", insideNamespace)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == bench.StatusMissed {
		return bench.StatusMissed, nil
	}
	return 0, err
}

func measure(ctx context.Context, s settings) (status int, err error) {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return 0, err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return 0, fmt.Errorf("bring up the loopback interface: %w", err)
	}
	t := bench.NewResults(os.Stdout)
	for _, part := range s.parts {
		do := map[string]func(context.Context, settings, bench.Results) error{
			"tcp": measureTCP, "http": measureHTTP, "detection": measureDetection, "cost": measureCost, "deaths": measureDeaths, "growth": measureGrowth,
		}[part]
		if err := do(ctx, s, t); err != nil {
			return 0, fmt.Errorf("%s: %w", part, err)
		}
	}
	return t.Status(), nil
}

func readFlags() (settings, error) {
	var s settings
	var list string
	flag.StringVar(&s.agent, "agent", filepath.Join("bin", "lvs-agent"), "the agent's program")
	flag.StringVar(&list, "parts", strings.Join(usualParts(), ","), "what to measure: "+strings.Join(parts(), ", "))
	flag.DurationVar(&s.duration, "duration", 30*time.Second, "how long each load lasts; 10m for the part growth")
	flag.IntVar(&s.tcp, "tcp", 5000, "TCP checks a second of the part tcp")
	flag.IntVar(&s.http, "http", 2000, "HTTP checks a second of the part http")
	flag.IntVar(&s.servers, "servers", 1000, "servers, with a check a second each, of the parts cost and growth")
	flag.StringVar(&s.inside, "inside", "", "for the program's own use")
	flag.Parse()
	var err error
	if s.parts, err = bench.Parts(list, parts()); err != nil {
		return s, err
	}
	if min(s.tcp, s.http, s.servers) < 1 || max(s.tcp, s.http, s.servers) > 60000 || s.duration < 5*time.Second {
		return s, errors.New("-tcp, -http and -servers are 1 to 60000, -duration is 5s or more")
	}
	s.agent, err = filepath.Abs(s.agent)
	return s, err
}
