package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
)

// Network is a switch and the hosts on it.
type Network struct {
	name   string
	sw     *namespace
	bridge netlink.Link

	mu     sync.Mutex
	hosts  []*Host
	closed bool
	stop   func() bool // stops waiting for the context
}

// NewNetwork makes a switch without hosts. The network is taken down by Close or when the context
// ends, whichever is first; Close should be called in either case, for it returns when all is gone.
// It needs what HasRoot tells.
func NewNetwork(ctx context.Context) (*Network, error) {
	removeLeftovers()
	n := &Network{}
	for i := 0; n.sw == nil; i++ {
		n.name = networkName(os.Getpid(), i)
		var err error
		if n.sw, err = newNamespace(n.name + "-switch"); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
	}
	if err := errors.Join(os.MkdirAll(n.Dir(), 0o700), n.addBridge()); err != nil {
		return nil, errors.Join(fmt.Errorf("make switch %s: %w", n.name, err), n.Close())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stop = context.AfterFunc(ctx, func() { _ = n.Close() })
	return n, nil
}

// Start makes a switch for a test and takes the network down at its end.
func Start(t TB) *Network {
	t.Helper()
	// Not the test's own context: that ends before the functions given to Cleanup run, which may
	// still want the network.
	n, err := NewNetwork(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("start a network: %v", err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("take the network down: %v", err)
		}
	})
	return n
}

func (n *Network) addBridge() error {
	if err := n.sw.setSysctl("net.ipv6.conf.default.disable_ipv6", "1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Snooping would hold back what nobody has joined, such as VRRP's adverts to a capturing host.
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &snooping}
	if err := n.sw.links.LinkAdd(bridge); err != nil {
		return err
	}
	n.bridge = bridge
	return n.sw.links.LinkSetUp(bridge)
}

// Dir returns the network's folder, for the files of what runs on its hosts. It is root's alone, and
// goes with the network.
func (n *Network) Dir() string { return networkFolder(n.name) }

// AddHost plugs a new host into the switch. Its interface is eth0 and has the addresses. The name is
// unique in the network and has at most 13 characters.
func (n *Network) AddHost(name string, addresses ...netip.Prefix) (*Host, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, fmt.Errorf("add host %s: the network is down", name)
	}
	ns, err := newNamespace(n.name + "-" + name)
	if err != nil {
		return nil, fmt.Errorf("add host %s: %w", name, err)
	}
	h := &Host{name: name, network: n, ns: ns}
	if err := h.plugIn(addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("add host %s: %w", name, err), ns.remove())
	}
	n.hosts = append(n.hosts, h)
	return h, nil
}

// Host is AddHost for tests: addresses are text, as in 192.0.2.11/24, and what fails ends the test.
func (n *Network) Host(t TB, name string, addresses ...string) *Host {
	t.Helper()
	prefixes := make([]netip.Prefix, len(addresses))
	for i, a := range addresses {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			t.Fatalf("add host %s: %v", name, err)
		}
		prefixes[i] = p
	}
	h, err := n.AddHost(name, prefixes...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return h
}

// Close kills all processes on the hosts and takes the hosts and the switch down. It returns when
// that is done, also if another call does it.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	if n.stop != nil {
		n.stop()
	}
	names := make([]string, len(n.hosts))
	for i, h := range n.hosts {
		names[i] = h.ns.name
	}
	errs := []error{killProcessesIn(append(names, n.sw.name)...)}
	for _, h := range n.hosts {
		errs = append(errs, h.ns.remove())
	}
	errs = append(errs, os.RemoveAll(n.Dir()))
	// The switch is last: its name keeps the network's from being used again.
	return errors.Join(append(errs, n.sw.remove())...)
}
