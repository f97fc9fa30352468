package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// Host is a machine of a Network: a network namespace with the interface eth0. Files, users and
// processes are those of the machine that it runs on.
type Host struct {
	name    string
	network *Network
	ns      *namespace
	eth0    netlink.Link
	port    netlink.Link // the switch's end of eth0
}

// Name returns the host's name in its network.
func (h *Host) Name() string { return h.name }

// Namespace returns the name of the host's namespace, for `ip netns exec`.
func (h *Host) Namespace() string { return h.ns.name }

// plugIn connects the host to the switch.
func (h *Host) plugIn(addresses []netip.Prefix) (err error) {
	if h.port, h.eth0, err = h.lay("e-"+h.name, h.network, "eth0", addresses); err != nil {
		return err
	}
	return h.Restore()
}

// PlugInto connects the host to another network, too, with a second interface. Cut, Isolate and Addresses are about the
// first one.
func (h *Host) PlugInto(n *Network, name string, addresses ...netip.Prefix) error {
	port, end, err := h.lay("x-"+h.name, n, name, addresses)
	if err == nil {
		err = h.connect(n, port, end)
	}
	if err != nil {
		return fmt.Errorf("plug %s of %s into a network: %w", name, h.name, err)
	}
	return nil
}

// lay lays a cable from the switch of a network to the host, where its end has addresses and is up.
func (h *Host) lay(cable string, n *Network, name string, addresses []netip.Prefix) (port, end netlink.Link, err error) {
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: cable}, PeerName: name, PeerNamespace: netlink.NsFd(h.ns.file)}
	if err := n.sw.links.LinkAdd(veth); err != nil {
		return nil, nil, fmt.Errorf("add link: %w", err)
	}
	if port, err = n.sw.links.LinkByName(cable); err != nil {
		return nil, nil, err
	}
	if end, err = h.ns.links.LinkByName(name); err != nil {
		return nil, nil, err
	}
	for _, a := range addresses {
		if err := h.ns.addAddress(end, a); err != nil {
			return nil, nil, err
		}
	}
	return port, end, h.ns.links.LinkSetUp(end)
}

// connect puts a cable into the switch, and returns when packets get through.
func (h *Host) connect(n *Network, port, end netlink.Link) error {
	if err := n.sw.links.LinkSetMaster(port, n.bridge); err != nil {
		return err
	}
	if err := n.sw.links.LinkSetUp(port); err != nil {
		return err
	}
	// A port forwards from the moment that the kernel calls it up, which is not when its other end is.
	return errors.Join(waitUp(n.sw.links, port), waitUp(h.ns.links, end))
}

// Cut pulls the cable out of the switch: nothing gets to the host or away from it, and its interface
// has no carrier.
func (h *Host) Cut() error {
	if err := h.network.sw.links.LinkSetDown(h.port); err != nil {
		return fmt.Errorf("cut %s off: %w", h.name, err)
	}
	return nil
}

// Isolate makes the switch drop what comes from the host and goes to it. The host keeps its carrier
// and does not notice.
func (h *Host) Isolate() error {
	if err := h.network.sw.links.LinkSetNoMaster(h.port); err != nil {
		return fmt.Errorf("isolate %s: %w", h.name, err)
	}
	return nil
}

// Restore undoes Cut and Isolate. It returns when packets get through.
func (h *Host) Restore() error {
	if err := h.connect(h.network, h.port, h.eth0); err != nil {
		return fmt.Errorf("connect %s to the switch: %w", h.name, err)
	}
	return nil
}

// waitUp returns when an interface carries packets.
func waitUp(links *netlink.Handle, link netlink.Link) error {
	for deadline := time.Now().Add(carrierPatience); ; time.Sleep(time.Millisecond) {
		now, err := links.LinkByIndex(link.Attrs().Index)
		switch {
		case err != nil:
			return err
		case now.Attrs().OperState == netlink.OperUp:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s has no carrier", link.Attrs().Name)
		}
	}
}

// The kernel may report a change of carrier a second late, and a loaded machine later.
const carrierPatience = 10 * time.Second

// Do calls fn on a thread of its own in the host's namespace. What fn opens (sockets, netlink
// handles, processes) is the host's and stays so after fn has returned. Goroutines that fn starts
// are not on the host.
func (h *Host) Do(fn func() error) error { return h.ns.do(fn) }

// Command returns a command that will run on the host. Its process is the command's own (nothing
// stands between), in a process group of its own, and the group is killed when the context ends or
// the network is taken down.
func (h *Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	// ip-netns becomes the command, so the process that is started is the command's. Unlike a thread
	// in the namespace, it shows the host's own /sys/class/net, too.
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.ns.name}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// Output runs a command on the host and returns its standard output. The error has what it wrote to
// standard error.
func (h *Host) Output(ctx context.Context, argv ...string) (string, error) {
	cmd := h.Command(ctx, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %s: %w: %s", h.name, strings.Join(argv, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// Listen is net.Listen on the host.
func (h *Host) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = h.Do(func() (err error) {
		l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// DialContext connects from the host. It fits http.Transport. The address is of numbers: a name would
// be looked up from another namespace.
func (h *Host) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial from %s: %w", h.name, err)
	}
	err = h.Do(func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Addresses returns the addresses on the host's eth0, but the link-local ones.
func (h *Host) Addresses() ([]netip.Prefix, error) {
	found, err := h.ns.addresses(h.eth0)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", h.name, err)
	}
	return found, nil
}

// Has tells whether an address is on any interface of the host.
func (h *Host) Has(a netip.Addr) (bool, error) {
	found, err := h.ns.allAddresses()
	if err != nil {
		return false, fmt.Errorf("list addresses of %s: %w", h.name, err)
	}
	return slices.ContainsFunc(found, func(p netip.Prefix) bool { return p.Addr() == a }), nil
}

// AddAddress puts an address on eth0.
func (h *Host) AddAddress(p netip.Prefix) error { return h.ns.addAddress(h.eth0, p) }

// AddDefaultRoute sends what is not for the host's own networks to a router.
func (h *Host) AddDefaultRoute(via netip.Addr) error {
	route := &netlink.Route{LinkIndex: h.eth0.Attrs().Index, Gw: via.AsSlice()}
	if err := h.ns.links.RouteAdd(route); err != nil {
		return fmt.Errorf("add default route via %s on %s: %w", via, h.name, err)
	}
	return nil
}

// SetSysctl sets one of the host's own settings, as in net.ipv4.ip_forward.
func (h *Host) SetSysctl(key, value string) error {
	if err := h.ns.setSysctl(key, value); err != nil {
		return fmt.Errorf("on %s: %w", h.name, err)
	}
	return nil
}

// RealServerDR makes the host a real server of a virtual address that is served by direct routing:
// it takes packets to the address, and keeps quiet about having it (RFC 826 has no such case; the
// kernel's ip-sysctl documentation has arp_ignore and arp_announce for it).
func (h *Host) RealServerDR(vip netip.Addr) error {
	for _, link := range []string{"all", "eth0"} {
		err := errors.Join(
			h.SetSysctl("net.ipv4.conf."+link+".arp_ignore", "1"),
			h.SetSysctl("net.ipv4.conf."+link+".arp_announce", "2"))
		if err != nil {
			return err
		}
	}
	lo, err := h.ns.links.LinkByName("lo")
	if err != nil {
		return err
	}
	return h.ns.addAddress(lo, netip.PrefixFrom(vip, vip.BitLen()))
}
