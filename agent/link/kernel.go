package link

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Kernel works on the interfaces of the network namespace that the process is in. It needs
// CAP_NET_ADMIN for addresses and CAP_NET_RAW for Announce.
type Kernel struct {
	*claims
	netlink kernelDevice

	// providing is held over what is done to virtual links beside their service.
	providing sync.Mutex
	settings  *settings

	acceptance *acceptance

	announcers sync.Mutex
	byIndex    map[announcerKey]announcer
}

// NewKernel returns a Kernel that may touch what the ledgers say.
func NewKernel(l Ledgers) (*Kernel, error) {
	virtual, err := readVirtualLinks(l.Links)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(l.Settings)
	if err != nil {
		return nil, err
	}
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	filtering, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		handle.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	_ = filtering.SetStrictCheck(true) // a kernel before 4.20 lists everything, which is merely slower
	d := kernelDevice{handle: handle, filtering: filtering, virtual: virtual}
	if d.lister, err = openLister(); err != nil {
		handle.Close()
		filtering.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if d.batch, err = openBatcher(); err != nil {
		handle.Close()
		filtering.Close()
		d.lister.close()
		return nil, err
	}
	c, err := readClaims(d, l.Addresses)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return &Kernel{claims: c, netlink: d, settings: settings, acceptance: &acceptance{connect: func() (*nftables.Conn, error) { return nftables.New(nftables.AsLasting()) }}, byIndex: map[announcerKey]announcer{}}, nil
}

// Close gives the sockets back. Addresses stay.
func (k *Kernel) Close() error {
	return errors.Join(k.netlink.close(), k.acceptance.close(), k.closeAnnouncers())
}

func (d kernelDevice) close() error {
	d.handle.Close()
	d.filtering.Close()
	d.lister.close()
	return d.batch.close()
}

// kernelDevice is device by netlink. Its handle keeps one socket and takes one request at a time.
type kernelDevice struct {
	handle *netlink.Handle
	// filtering is for listings of which the kernel leaves out what was not asked for.
	filtering *netlink.Handle
	lister    *lister
	batch     *batcher
	virtual   *virtualLinks
}

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
	return whole(func() ([]netlink.Addr, error) { return d.lister.list(l.Attrs().Index, netlink.FAMILY_ALL) })
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
func (d kernelDevice) add(iface string, addresses []netip.Prefix) (added []netip.Prefix, err error) {
	l, err := d.link(iface)
	if err != nil {
		return nil, fmt.Errorf("add addresses to %s: %w", iface, err)
	}
	if d.virtual.is(l) {
		return d.activate(l, addresses)
	}
	if len(addresses) >= worthListing {
		present, err := d.addresses(iface)
		if err != nil {
			return nil, fmt.Errorf("list the addresses of %s: %w", iface, err)
		}
		addresses = missing(addresses, present)
	}
	outcomes := d.each(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, l, addresses)
	var errs []error
	for i, p := range addresses {
		switch err := outcomes[i]; {
		case err == nil:
			added = append(added, p)
		case !errors.Is(err, unix.EEXIST):
			errs = append(errs, fmt.Errorf("add %s to %s: %w", p, iface, err))
		}
	}
	d.awaitHearing(l, added)
	return added, errors.Join(errs...)
}

// awaitHearing waits until the kernel hears solicitations for new IPv6 addresses, so that none is announced before (RFC
// 9568 §6.4.1). A worker joins the solicited-node group of each and then makes its local route (addrconf_dad_work), which
// is what can be seen. An address that the kernel is not done with in time is there all the same.
func (d kernelDevice) awaitHearing(l netlink.Link, added []netip.Prefix) {
	if !slices.ContainsFunc(added, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		return
	}
	for deadline := time.Now().Add(localPatience); time.Now().Before(deadline); time.Sleep(localPause) {
		lame, err := d.withoutLocal6(l)
		if err != nil || len(missing(lame, added)) == len(lame) {
			return
		}
	}
}

// worthListing is from how many addresses on a listing costs less than having the kernel say of each that
// it is there: for a thousand of IPv6 that takes as long as to put them.
const worthListing = 16

// missing returns the wanted addresses that are not present.
func missing(wanted, present []netip.Prefix) []netip.Prefix {
	there := make(map[netip.Prefix]bool, len(present))
	for _, p := range present {
		there[p] = true
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(p netip.Prefix) bool { return there[p] })
}

func (d kernelDevice) remove(iface string, addresses []netip.Prefix) (gone []netip.Prefix, err error) {
	l, err := d.link(iface)
	if absent(err) {
		return addresses, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remove addresses from %s: %w", iface, err)
	}
	outcomes := d.each(unix.RTM_DELADDR, 0, l, addresses)
	var errs []error
	for i, p := range addresses {
		switch err := outcomes[i]; {
		case err == nil, errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.ENODEV):
			gone = append(gone, p)
		default:
			errs = append(errs, fmt.Errorf("remove %s from %s: %w", p, iface, err))
		}
	}
	return gone, errors.Join(errs...)
}

// each asks the same for every address, and returns what became of each.
func (d kernelDevice) each(kind, flags int, l netlink.Link, addresses []netip.Prefix) []error {
	requests := make([]*nl.NetlinkRequest, len(addresses))
	for i, p := range addresses {
		requests[i] = addressRequest(kind, flags, l.Attrs().Index, addrOf(p))
	}
	return d.batch.do(requests)
}

func absent(err error) bool {
	var notFound netlink.LinkNotFoundError
	return errors.As(err, &notFound) || errors.Is(err, unix.ENODEV)
}

func addrOf(p netip.Prefix) *netlink.Addr {
	ip := p.Addr()
	a := &netlink.Addr{IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(p.Bits(), ip.BitLen())}}
	if ip.Is6() {
		// It comes from another director, and nobody waits a second for it to be found unique. It is deprecated
		// from the start (lifetime 0 as a preferred one, and no end), so that this machine's own connections
		// do not come from an address that moves away.
		a.Flags, a.ValidLft, a.PreferedLft = unix.IFA_F_NODAD, math.MaxUint32, 0
		return a
	}
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
