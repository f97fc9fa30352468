package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Kernel works on the interfaces of the network namespace that the process is in. It needs
// CAP_NET_ADMIN for addresses and CAP_NET_RAW for Announce.
type Kernel struct {
	*claims
	netlink kernelDevice

	announcers sync.Mutex
	byIndex    map[int]*announcer
}

// NewKernel returns a Kernel that may touch what the ledger says.
func NewKernel(l Ledger) (*Kernel, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	d := kernelDevice{handle}
	c, err := readClaims(d, l)
	if err != nil {
		handle.Close()
		return nil, err
	}
	return &Kernel{claims: c, netlink: d, byIndex: map[int]*announcer{}}, nil
}

// Close gives the sockets back. Addresses stay.
func (k *Kernel) Close() error {
	k.netlink.handle.Close()
	return k.closeAnnouncers()
}

// kernelDevice is device by netlink. Its handle keeps one socket and takes one request at a time.
type kernelDevice struct{ handle *netlink.Handle }

// dumpAttempts bounds how often a listing is begun anew when something changed under it
// (NLM_F_DUMP_INTR). What a listing says is a hint here, so the last attempt's is taken as it is.
const dumpAttempts = 5

// whole calls a listing until it was not interrupted.
func whole[T any](list func() (T, error)) (T, error) {
	for range dumpAttempts - 1 {
		v, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return v, err
		}
	}
	v, err := list()
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		err = nil
	}
	return v, err
}

func (d kernelDevice) link(iface string) (netlink.Link, error) {
	return whole(func() (netlink.Link, error) { return d.handle.LinkByName(iface) })
}

func (d kernelDevice) list(l netlink.Link) ([]netlink.Addr, error) {
	return whole(func() ([]netlink.Addr, error) { return d.handle.AddrList(l, netlink.FAMILY_V4) })
}

func (d kernelDevice) addresses(iface string) ([]netip.Prefix, error) {
	l, err := d.link(iface)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := d.list(l)
	if err != nil {
		return nil, err
	}
	prefixes := make([]netip.Prefix, 0, len(list))
	for _, a := range list {
		prefixes = append(prefixes, prefixOf(a))
	}
	return prefixes, nil
}

// add leaves the prefix route to the kernel: an address with the interface's own subnet is secondary and
// gets none, and one with another subnet makes that subnet reachable, which is what its prefix length is
// given for. A host prefix makes no route.
func (d kernelDevice) add(h Held) (bool, error) {
	l, err := d.link(h.Interface)
	if err != nil {
		return false, err
	}
	switch err := d.handle.AddrAdd(l, addrOf(h.Prefix)); {
	case errors.Is(err, unix.EEXIST):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

func (d kernelDevice) remove(h Held) error {
	l, err := d.link(h.Interface)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.handle.AddrDel(l, addrOf(h.Prefix))
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func absent(err error) bool {
	var notFound netlink.LinkNotFoundError
	return errors.As(err, &notFound) || errors.Is(err, unix.ENODEV)
}

func addrOf(p netip.Prefix) *netlink.Addr {
	ip := p.Addr()
	a := &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(p.Bits(), ip.BitLen())}}
	// The library would derive a broadcast address, which host prefixes and point-to-point ones lack; the
	// kernel knows one without being told.
	a.Broadcast = net.IPv4zero
	return a
}

func prefixOf(a netlink.Addr) netip.Prefix {
	ip, _ := netip.AddrFromSlice(a.IP)
	bits, _ := a.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits)
}
