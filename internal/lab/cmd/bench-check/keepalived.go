package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// measureKeepalived has either daemon check the same servers, one after the other.
func measureKeepalived(ctx context.Context, s settings, t bench.Results) (err error) {
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
	what := fmt.Sprintf("%d TCP checks a second: processor time, of a core", s.keepalived)
	theirs, err := runKeepalived(ctx, s, dir)
	if err != nil {
		return err
	}
	t.Figure(what+": keepalived", percent(theirs.time, s.duration))
	t.Figure("  memory", fmt.Sprintf("%.1f MB", float64(theirs.memory)/1e6))
	ours, err := runAgent(ctx, s, dir)
	if err != nil {
		return err
	}
	t.Ratio(what+": lvs-agent "+percent(ours.time, s.duration), ours.time, theirs.time, 1.5)
	t.Figure("  memory", fmt.Sprintf("%.1f MB", float64(ours.memory)/1e6))
	t.Number("  memory grew by", float64(ours.memory-ours.memoryBefore)/1e6, 20, "MB")
	return nil
}

func percent(d, of time.Duration) string { return fmt.Sprintf("%.1f %%", 100*d.Seconds()/of.Seconds()) }

func runKeepalived(ctx context.Context, s settings, dir string) (usage, error) {
	var config strings.Builder
	config.WriteString("virtual_server 192.0.2.100 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop 1\n")
	for i := range s.keepalived {
		fmt.Fprintf(&config, " real_server %s %d {\n  weight 1\n  TCP_CHECK {\n   connect_timeout 1\n   retry 2\n   delay_before_retry 1\n  }\n }\n", serverAddress(i), portTCP)
	}
	config.WriteString("}\n")
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return usage{}, err
	}
	return spend(ctx, s, dir, "keepalived", "--dont-fork", "--log-console", "--check", "--use-file", file,
		"--pid", filepath.Join(dir, "keepalived.pid"), "--checkers_pid", filepath.Join(dir, "checkers.pid"))
}

func runAgent(ctx context.Context, s settings, dir string) (usage, error) {
	v := eachSecond()
	v.TCP = &spec.TCPCheck{}
	d := desire(s.keepalived, portTCP, v)
	service := spec.DefaultVirtualServer()
	service.Address, service.Port, service.Scheduler, service.ForwardingMethod, service.HealthCheck = netip.MustParseAddr("192.0.2.100"), 80, "rr", spec.NAT, &v
	d.VirtualServers["web"] = service
	if err := bench.Fill(filepath.Join(dir, "state.db"), d); err != nil {
		return usage{}, err
	}
	file := filepath.Join(dir, "agent.hcl")
	text := fmt.Sprintf("listen = %q\nstate_dir = %q\nname = \"bench\"\n", "unix://"+filepath.Join(dir, "socket"), dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return usage{}, err
	}
	return spend(ctx, s, dir, s.agent, "run", "--config", file)
}

// usage is what a daemon has used while it checked, and what it had before and after.
type usage struct {
	time                 time.Duration
	memoryBefore, memory int64
}

// spend runs a daemon until all servers are in the table and a while longer, and returns what it used then.
func spend(ctx context.Context, s settings, dir string, argv ...string) (u usage, err error) {
	log, err := os.Create(filepath.Join(dir, filepath.Base(argv[0])+".log"))
	if err != nil {
		return u, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return u, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			err = fmt.Errorf("%w; it said:\n%s", err, said[max(0, len(said)-2000):])
		}
		err = errors.Join(err, log.Close())
	}()
	kernel := ipvs.NewKernel(ipvs.KernelConfig{})
	defer func() { err = errors.Join(err, kernel.Close()) }()
	for servers := 0; servers < s.keepalived; {
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return u, err
		}
		if unix.Kill(cmd.Process.Pid, 0) != nil {
			return u, errors.New("it ended")
		}
		table, _, err := kernel.Read(ctx)
		if err != nil {
			return u, err
		}
		servers = 0
		for _, service := range table {
			servers += len(service.Destinations)
		}
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return u, err
	}
	before := usageOf(cmd.Process.Pid)
	if err := pause(ctx, s.duration); err != nil {
		return u, err
	}
	after := usageOf(cmd.Process.Pid)
	return usage{time: after.time - before.time, memoryBefore: before.memory, memory: after.memory}, nil
}

// usageOf adds up the processes of a group.
func usageOf(group int) (u usage) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid := 0
		if _, err := fmt.Sscan(entry.Name(), &pid); err != nil {
			continue
		}
		if of, err := syscall.Getpgid(pid); err != nil || of != group {
			continue
		}
		var spent unix.Timespec
		const scheduled = 2 // CPUCLOCK_SCHED: the clock of a process's own processor time (MAKE_PROCESS_CPUCLOCK in linux/posix-timers.h)
		if unix.ClockGettime(int32(^pid<<3|scheduled), &spent) == nil {
			u.time += time.Duration(spent.Nano())
		}
		u.memory += bench.Resident(pid)
	}
	return u
}
