package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Where ip-netns(8) keeps named namespaces, and finds ours.
const namespaceDir = "/run/netns"

// namespace is a named network namespace.
type namespace struct {
	name  string
	file  netns.NsHandle
	links *netlink.Handle // speaks to the kernel from inside
}

// newNamespace makes a namespace in which lo is up. The error is fs.ErrExist if the name is taken.
func newNamespace(name string) (*namespace, error) {
	ns := &namespace{name: name, file: netns.None()}
	err := onOwnThread(func() (err error) {
		ns.file, err = netns.NewNamed(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", name, err)
	}
	if err := ns.bringUp(); err != nil {
		return nil, errors.Join(fmt.Errorf("set up namespace %s: %w", name, err), ns.remove())
	}
	return ns, nil
}

// What every namespace begins with. IPv4's are inherited from the namespace that the program runs in
// unless said otherwise, and IPv6 would hold a new address back for a second or more while it looks
// for a duplicate (RFC 4862 §5.4).
var firstSysctls = []struct{ key, value string }{
	{"net.ipv4.ip_forward", "0"},
	{"net.ipv4.conf.all.rp_filter", "0"},
	{"net.ipv4.conf.default.rp_filter", "0"},
	{"net.ipv4.conf.all.arp_ignore", "0"},
	{"net.ipv4.conf.all.arp_announce", "0"},
	{"net.ipv6.conf.all.accept_dad", "0"},
	{"net.ipv6.conf.default.accept_dad", "0"},
	{"net.ipv6.conf.default.accept_ra", "0"},
}

func (ns *namespace) bringUp() (err error) {
	if ns.links, err = netlink.NewHandleAt(ns.file, unix.NETLINK_ROUTE); err != nil {
		return err
	}
	for _, s := range firstSysctls {
		err := ns.setSysctl(s.key, s.value)
		if errors.Is(err, os.ErrNotExist) && strings.HasPrefix(s.key, "net.ipv6.") {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
	}
	lo, err := ns.links.LinkByName("lo")
	if err != nil {
		return err
	}
	return ns.links.LinkSetUp(lo)
}

// do calls fn on a thread of its own inside the namespace.
func (ns *namespace) do(fn func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(ns.file), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace %s: %w", ns.name, err)
		}
		return fn()
	})
}

// setSysctl sets one of the settings below "net.", the only ones that a namespace has for itself.
func (ns *namespace) setSysctl(key, value string) error {
	if !strings.HasPrefix(key, "net.") {
		return fmt.Errorf("set sysctl %s: it would be set for the whole machine", key)
	}
	// The folder shows the settings of the namespace of the thread that opens it.
	return ns.do(func() error {
		path := filepath.Join("/proc/sys", strings.ReplaceAll(key, ".", "/"))
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set sysctl %s=%s: %w", key, value, err)
		}
		return nil
	})
}

// addAddress puts an address on a link of the namespace, usable at once.
func (ns *namespace) addAddress(link netlink.Link, p netip.Prefix) error {
	address := &netlink.Addr{IPNet: &net.IPNet{
		IP:   p.Addr().AsSlice(),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}}
	if p.Addr().Is6() {
		address.Flags = unix.IFA_F_NODAD
	}
	if err := ns.links.AddrAdd(link, address); err != nil {
		return fmt.Errorf("add %s to %s in %s: %w", p, link.Attrs().Name, ns.name, err)
	}
	return nil
}

// remove takes the namespace down. Its links go with the last process and socket inside.
func (ns *namespace) remove() error {
	if ns.links != nil {
		ns.links.Close()
	}
	return errors.Join(ns.file.Close(), removeNamespace(ns.name))
}

// removeNamespace takes the name of a namespace away. One that is not there is as wanted.
func removeNamespace(name string) error {
	path := filepath.Join(namespaceDir, name)
	// EINVAL: the file is there, the namespace never was.
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// addresses returns the addresses of a link but the link-local ones.
func (ns *namespace) addresses(link netlink.Link) ([]netip.Prefix, error) {
	found, err := ns.list(link)
	return slices.DeleteFunc(found, func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() }), err
}

// allAddresses returns the addresses of all links.
func (ns *namespace) allAddresses() ([]netip.Prefix, error) { return ns.list(nil) }

// list returns the addresses of a link, or of all.
func (ns *namespace) list(link netlink.Link) (found []netip.Prefix, err error) {
	var list []netlink.Addr
	for range dumpAttempts {
		list, err = ns.links.AddrList(link, netlink.FAMILY_ALL)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			ones, _ := a.Mask.Size()
			found = append(found, netip.PrefixFrom(ip.Unmap(), ones))
		}
	}
	return found, nil
}

// A list that changes while it is read has to be read again; one that changes as often as this is
// not going to stand still.
const dumpAttempts = 10
