package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	moby "github.com/moby/ipvs"
	"github.com/vishvananda/netns"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// namespace is a network namespace with a table of its own, for what was in a table before makes
// additions slower: the kernel looks through what was deleted.
type namespace string

func newNamespace(ctx context.Context, name string) (namespace, error) {
	n := namespace("lvs-bench-" + name)
	if err := command(ctx, "", "ip", "netns", "add", string(n)); err != nil {
		return n, err
	}
	return n, n.run(ctx, "", "ip", "link", "set", "lo", "up")
}

func (n namespace) path() string { return "/run/netns/" + string(n) }

func (n namespace) run(ctx context.Context, input string, argv ...string) error {
	return command(ctx, input, append([]string{"ip", "netns", "exec", string(n)}, argv...)...)
}

// listen opens a listener in the namespace. The thread that does so is thrown away.
func (n namespace) listen(address string) (l net.Listener, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		inside, failure := netns.GetFromName(string(n))
		if err = failure; err != nil {
			return
		}
		defer func() { _ = inside.Close() }()
		if err = netns.Set(inside); err == nil {
			l, err = net.Listen("tcp", address)
		}
	}()
	<-done
	return l, err
}

// remove does its work also when the context has ended.
func (n namespace) remove(ctx context.Context) error {
	return command(context.WithoutCancel(ctx), "", "ip", "netns", "delete", string(n))
}

func command(ctx context.Context, input string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, output)
	}
	return nil
}

// in does something in a namespace of its own, and says how long that took, without the namespace.
func in(ctx context.Context, name string, do func(namespace, *ipvs.Kernel) error) (took time.Duration, err error) {
	n, err := newNamespace(ctx, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.remove(ctx)) }()
	kernel := ipvs.NewKernel(ipvs.KernelConfig{Namespace: n.path()})
	defer func() { err = errors.Join(err, kernel.Close()) }()
	if _, err := kernel.Info(ctx); err != nil {
		return 0, err
	}
	start := time.Now()
	err = do(n, kernel)
	return time.Since(start), err
}

// services is a table of n services with servers each, by direct routing.
func services(n, servers int) ipvs.Table {
	t := make(ipvs.Table, n)
	for i := range n {
		address := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.100"), uint16(i+1))
		service := ipvs.Service{Options: ipvs.Options{Scheduler: "wrr"}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
		for s := range servers {
			server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s + 1)}), address.Port())
			service.Destinations[server] = ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 1}
		}
		t[ipvs.AddressKey(ipvs.TCP, address)] = service
	}
	return t
}

// pool is one service with n servers.
func pool(n int) ipvs.Table {
	service := ipvs.Service{Options: ipvs.Options{Scheduler: "rr"}, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	for i := range n {
		service.Destinations[poolServer(i)] = ipvs.Destination{Forwarding: ipvs.NAT, Weight: 1}
	}
	return ipvs.Table{ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.100:80")): service}
}

// poolServer is on the loopback interface, where one listener answers for all.
func poolServer(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), 8080)
}

func apply(ctx context.Context, k *ipvs.Kernel, t ipvs.Table) error {
	_, err := k.Apply(ctx, ipvs.Diff(nil, t))
	return err
}

func measureTable(ctx context.Context, s settings, _ string, t bench.Results) error {
	wanted := services(s.services, s.servers)
	size := fmt.Sprintf("%d services of %d servers", s.services, s.servers)
	theirs, err := in(ctx, "ipvsadm", func(n namespace, _ *ipvs.Kernel) error {
		return n.run(ctx, wanted.String(), "ipvsadm", "-R")
	})
	if err != nil {
		return err
	}
	t.Figure(size+": ipvsadm -R", bench.Rounded(theirs))
	one, err := in(ctx, "moby", func(n namespace, _ *ipvs.Kernel) error { return applyOneByOne(n, wanted) })
	if err != nil {
		return err
	}
	t.Ratio(size+": moby/ipvs, one by one", one, theirs, 0)
	var compared []time.Duration
	var first time.Duration
	_, err = in(ctx, "ours", func(_ namespace, k *ipvs.Kernel) error {
		start := time.Now()
		if err := apply(ctx, k, wanted); err != nil {
			return err
		}
		first = time.Since(start)
		for range 10 {
			start := time.Now()
			actual, _, err := k.Read(ctx)
			if err != nil {
				return err
			}
			if ops := ipvs.Diff(actual, wanted); len(ops) > 0 {
				return fmt.Errorf("%d differences after all was written, the first being %s", len(ops), ops[0])
			}
			compared = append(compared, time.Since(start))
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.Ratio(size+": first apply", first, theirs, 0.10)
	slices.Sort(compared)
	t.Ratio(size+": comparison without a difference", compared[len(compared)/2], theirs, 0.04)
	return nil
}

// applyOneByOne is what a caller of moby/ipvs does.
func applyOneByOne(n namespace, t ipvs.Table) error {
	handle, err := moby.New(n.path())
	if err != nil {
		return err
	}
	defer handle.Close()
	for key, service := range t {
		of := &moby.Service{
			AddressFamily: uint16(key.Family()), Protocol: uint16(key.Protocol), Address: net.IP(key.Address.Addr().AsSlice()), Port: key.Address.Port(),
			SchedName: service.Scheduler, Netmask: 0xffffffff,
		}
		if err := handle.NewService(of); err != nil {
			return fmt.Errorf("add %s: %w", key, err)
		}
		for server, d := range service.Destinations {
			to := &moby.Destination{
				AddressFamily: uint16(key.Family()), Address: net.IP(server.Addr().AsSlice()), Port: server.Port(),
				Weight: int(d.Weight), ConnectionFlags: uint32(d.Forwarding),
			}
			if err := handle.NewDestination(of, to); err != nil {
				return fmt.Errorf("add %s: %w", server, err)
			}
		}
	}
	return nil
}

func measurePool(ctx context.Context, s settings, _ string, t bench.Results) error {
	took, err := in(ctx, "pool", func(_ namespace, k *ipvs.Kernel) error { return apply(ctx, k, pool(s.pool)) })
	if err != nil {
		return err
	}
	t.Time("one service of "+strconv.Itoa(s.pool)+" servers: first apply, without the API", took, 3*time.Second)
	return nil
}
