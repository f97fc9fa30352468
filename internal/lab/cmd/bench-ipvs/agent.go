package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// desire returns the desired state of which the table is what the kernel has to hold.
func desire(t ipvs.Table, check *spec.HealthCheck) spec.Desired {
	d := spec.Desired{VirtualServers: map[string]spec.VirtualServer{}, RealServers: spec.Servers[spec.RealServer]{}}
	for key, service := range t {
		v := spec.DefaultVirtualServer()
		v.Address, v.Port, v.Scheduler, v.HealthCheck = key.Address.Addr(), int(key.Address.Port()), service.Scheduler, check
		name := nameOf(key)
		for server, destination := range service.Destinations {
			v.ForwardingMethod = spec.ForwardingMethod(destination.Forwarding.String())
			d.RealServers.Put(spec.ServerKey{VirtualServer: name, Address: server}, spec.RealServer{Weight: int(destination.Weight)})
		}
		d.VirtualServers[name] = v
	}
	return d
}

func nameOf(key ipvs.ServiceKey) string { return "service" + strconv.Itoa(int(key.Address.Port())) }

// agent is a running lvs-agent.
type agent struct {
	cmd    *exec.Cmd
	client *client.Client
	log    *os.File
	ended  chan struct{} // closed when it has
}

// startAgent starts an agent in the namespace that finds this desired state on its disk.
func startAgent(ctx context.Context, program string, n namespace, dir string, d spec.Desired) (*agent, error) {
	dir, err := os.MkdirTemp(dir, "agent-")
	if err != nil {
		return nil, err
	}
	if err := bench.Fill(filepath.Join(dir, "state.db"), d); err != nil {
		return nil, err
	}
	socket := "unix://" + filepath.Join(dir, "socket")
	file := filepath.Join(dir, "agent.hcl")
	text := fmt.Sprintf("listen = %q\nstate_dir = %q\nname = \"bench\"\n", socket, dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	a := &agent{log: log, ended: make(chan struct{}), cmd: exec.CommandContext(ctx, "ip", "netns", "exec", string(n), program, "run", "--config", file)}
	a.cmd.Stdout, a.cmd.Stderr = log, log
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if a.client, err = client.New(client.Config{Name: "bench", Endpoint: socket}); err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = a.cmd.Wait()
		close(a.ended)
	}()
	return a, nil
}

// until waits for something to be so that the agent does, and leaves most of the processor to it.
func (a *agent) until(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, fmt.Errorf("waited too long before %s", what))
	defer cancel()
	for {
		began := time.Now()
		if is() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-a.ended:
			return fmt.Errorf("the agent ended before %s: %s", what, a.cmd.ProcessState)
		case <-time.After(max(200*time.Millisecond, 4*time.Since(began))):
		}
	}
}

// stop ends the agent, and puts what it said into the error that something else ended with.
func (a *agent) stop(failure error) error {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	<-a.ended
	if failure != nil {
		said, _ := os.ReadFile(a.log.Name())
		failure = fmt.Errorf("%w; the agent said:\n%s", failure, said[max(0, len(said)-2000):])
	}
	return errors.Join(failure, a.log.Close())
}

func measureChange(ctx context.Context, s settings, dir string, t bench.Results) error {
	wanted := services(s.services, s.servers)
	var took []time.Duration
	_, err := in(ctx, "change", func(n namespace, k *ipvs.Kernel) (err error) {
		a, err := startAgent(ctx, s.agent, n, dir, desire(wanted, nil))
		if err != nil {
			return err
		}
		defer func() { err = a.stop(err) }()
		if err := a.until(ctx, "it had written the table", func() bool {
			actual, _, err := k.Read(ctx)
			return err == nil && len(ipvs.Diff(actual, wanted)) == 0
		}); err != nil {
			return err
		}
		keys := wanted.Keys()
		for i := range s.changes {
			service := keys[i*7%len(keys)]
			server := wanted[service].Addresses()[0]
			key := spec.ServerKey{VirtualServer: nameOf(service), Address: server}
			start := time.Now()
			if _, err := a.client.RealServers().Put(ctx, key.String(), spec.RealServer{Weight: 2 + i}, client.PutOptions{}); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(took)
	what := fmt.Sprintf("one weight among %d services, by the API, read back", s.services)
	t.Figure(what+": median", bench.Rounded(took[len(took)/2]))
	t.Time(what+": 99 %", took[len(took)*99/100], 20*time.Millisecond)
	return nil
}

func measureMemory(ctx context.Context, s settings, dir string, t bench.Results) error {
	check := spec.DefaultHealthCheck()
	check.TCP, check.Interval = &spec.TCPCheck{}, spec.Duration(30*time.Second)
	var memory int64
	var joined time.Duration
	_, err := in(ctx, "memory", func(n namespace, k *ipvs.Kernel) (err error) {
		listener, err := n.listen(":8080")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, listener.Close()) }()
		go accept(listener)
		a, err := startAgent(ctx, s.agent, n, dir, desire(pool(s.pool), &check))
		if err != nil {
			return err
		}
		defer func() { err = a.stop(err) }()
		wanted, began := pool(s.pool), time.Now()
		if err := a.until(ctx, "all servers had joined", func() bool {
			actual, _, err := k.Read(ctx)
			return err == nil && len(ipvs.Diff(actual, wanted)) == 0
		}); err != nil {
			return err
		}
		joined = time.Since(began)
		// A round of checks and a resync.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(35 * time.Second):
		}
		if memory = bench.Resident(a.cmd.Process.Pid); memory == 0 {
			<-a.ended
			return fmt.Errorf("the agent ended before its memory was looked at: %s", a.cmd.ProcessState)
		}
		return nil
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("the agent with %d servers, each checked by TCP", s.pool)
	t.Figure(what+": all joined after", bench.Rounded(joined))
	t.Number(what+": memory", float64(memory)/1e6, 150, "MB")
	return nil
}

// accept takes connections and ends them.
func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}

// up is a Health that nobody asks.
type up struct{}

func (up) Server(spec.ServerKey) (balance.Verdict, string) { return balance.Up, "" }

func measureResync(ctx context.Context, s settings, _ string, t bench.Results) error {
	const times = 20
	var spent time.Duration
	_, err := in(ctx, "resync", func(_ namespace, k *ipvs.Kernel) error {
		b := balance.New(balance.Config{
			Kernel: k, Health: up{}, Ledger: store.LedgerOf[ipvs.ServiceKey](store.InMemory(), "services"), Log: slog.New(slog.DiscardHandler),
		})
		b.Set(desire(pool(s.pool), nil))
		if err := b.Sync(ctx); err != nil {
			return err
		}
		before := processorTime()
		for range times {
			if err := b.Sync(ctx); err != nil {
				return err
			}
		}
		spent = (processorTime() - before) / times
		return nil
	})
	if err != nil {
		return err
	}
	t.Figure(fmt.Sprintf("a resync of %d servers without a difference: processor time", s.pool), bench.Rounded(spent))
	t.Number("  of a core, every "+balance.DefaultResyncInterval.String(), 100*spent.Seconds()/balance.DefaultResyncInterval.Seconds(), 1, "%")
	return nil
}

// processorTime returns what this process has used, the kernel's time for it included.
func processorTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
