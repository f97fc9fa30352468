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

// keepalived writes a file with which keepalived checks once a second, and takes a server out after three failures. It
// returns the command line.
func keepalived(dir string, servers []netip.AddrPort) (argv []string, err error) {
	var config strings.Builder
	config.WriteString("virtual_server 192.0.2.100 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop 1\n")
	for _, server := range servers {
		fmt.Fprintf(&config, " real_server %s %d {\n  weight 1\n  TCP_CHECK {\n   connect_timeout 1\n   retry 2\n   delay_before_retry 1\n  }\n }\n", server.Addr(), server.Port())
	}
	config.WriteString("}\n")
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	return []string{
		"keepalived", "--dont-fork", "--log-console", "--check", "--use-file", file,
		"--pid", filepath.Join(dir, "keepalived.pid"), "--checkers_pid", filepath.Join(dir, "checkers.pid"),
	}, nil
}

// lvsAgent writes the file and the state of an agent that does the same.
func (s settings) lvsAgent(dir string, servers []netip.AddrPort) (argv []string, err error) {
	v := eachSecond()
	v.Fall, v.TCP = 3, &spec.TCPCheck{}
	service := spec.DefaultVirtualServer()
	service.Address, service.Port, service.Scheduler, service.ForwardingMethod, service.HealthCheck = netip.MustParseAddr("192.0.2.100"), 80, "rr", spec.NAT, &v
	d := spec.Desired{}.Clone()
	d.VirtualServers["web"] = service
	for _, server := range servers {
		d.RealServers.Put(spec.ServerKey{VirtualServer: "web", Address: server}, spec.DefaultRealServer())
	}
	if err := bench.Fill(filepath.Join(dir, "state.db"), d); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "agent.hcl")
	text := fmt.Sprintf("listen = %q\nstate_dir = %q\nname = \"bench\"\non_stop = \"release\"\n", "unix://"+filepath.Join(dir, "socket"), dir)
	return []string{s.agent, "run", "--config", file}, os.WriteFile(file, []byte(text), 0o600)
}

// daemon is either of them at work.
type daemon struct {
	cmd    *exec.Cmd
	kernel *ipvs.Kernel
	log    *os.File
}

// start runs a daemon, and returns when that many servers are in the table.
func start(ctx context.Context, dir string, servers int, argv []string) (d *daemon, err error) {
	log, err := os.Create(filepath.Join(dir, filepath.Base(argv[0])+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	d = &daemon{cmd: cmd, kernel: ipvs.NewKernel(ipvs.KernelConfig{}), log: log}
	for {
		served, err := d.served(ctx)
		if err == nil && unix.Kill(cmd.Process.Pid, 0) != nil {
			err = errors.New("it ended")
		}
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("%w; it said:\n%s", errors.Join(err, d.stop()), said[max(0, len(said)-2000):])
		}
		if len(served) == servers {
			return d, nil
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return nil, errors.Join(err, d.stop())
		}
	}
}

// served returns the servers that get connections.
func (d *daemon) served(ctx context.Context) (map[netip.AddrPort]bool, error) {
	table, _, err := d.kernel.Read(ctx)
	served := map[netip.AddrPort]bool{}
	for _, service := range table {
		for at, destination := range service.Destinations {
			if destination.Weight > 0 {
				served[at] = true
			}
		}
	}
	return served, err
}

// usage is what it has cost.
func (d *daemon) usage() bench.Usage { return bench.UsageOf(d.cmd.Process.Pid) }

// stop ends it, and empties the table.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait() // how it ends is no matter
	return errors.Join(d.kernel.Close(), d.log.Close())
}
