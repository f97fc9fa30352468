package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// A virtual link is a private macvlan with the MAC of a virtual router, which carries the router's addresses
// all the time. In service it is up. Standing by it is down, and the local routes of its addresses are gone,
// which a link that is merely down keeps: the machine would take their packets. To bring it up is one system
// call, and the kernel puts all routes back by itself: 36 ms for 10,000 addresses, where adding them takes
// 309 ms. To delete one takes the kernel 18 ms, so that is never done on the way of a takeover.

// Provide sees to it that a virtual link is there, that its addresses, which are claimed, are on it while it
// stands by, and that the kernel's settings are right for it. A link that is in service stays so. It returns
// the link's index.
//
// An interface of that name that is not ours, and an address that is the parent's own, are errors.
func (k *Kernel) Provide(l spec.VirtualLink, addresses []netip.Prefix) (index int, err error) {
	k.providing.Lock()
	defer k.providing.Unlock()
	own, err := k.own(l.Parent, addresses)
	if err != nil {
		return 0, err
	}
	if len(own) > 0 {
		return 0, fmt.Errorf("%s is an address of %s itself, with the MAC of that: take it off, or leave virtual_mac out", own[0].Addr(), l.Parent)
	}
	made, err := k.netlink.provide(l)
	if err != nil {
		return 0, fmt.Errorf("provide interface %s with the virtual MAC on %s: %w", l.Name, l.Parent, err)
	}
	if err := k.settings.prepare(l); err != nil {
		return 0, err
	}
	return made.Attrs().Index, k.fill(made, addresses)
}

// fill fills a link, if it stands by.
func (k *Kernel) fill(l netlink.Link, addresses []netip.Prefix) error {
	if k.netlink.virtual.full(l.Attrs().Name, l.Attrs().Index, addresses) {
		return nil
	}
	k.mu.Lock() // nobody is to put it into service meanwhile
	defer k.mu.Unlock()
	l, err := k.netlink.link(l.Attrs().Name)
	if err != nil {
		return err
	}
	if l.Attrs().RawFlags&unix.IFF_UP != 0 {
		return nil
	}
	return k.netlink.fill(l, addresses)
}

// provide makes the link, or returns the one that is there, if it is ours.
func (d kernelDevice) provide(l spec.VirtualLink) (netlink.Link, error) {
	parent, err := d.link(l.Parent)
	if err != nil {
		return nil, err
	}
	mac, err := net.ParseMAC(l.MAC)
	if err != nil {
		return nil, err
	}
	there, err := d.link(l.Name)
	switch {
	case err == nil && !d.virtual.has(l.Name):
		return nil, errors.New("there is one that is not ours: remove it, or give it another name")
	case err == nil && !isVirtual(there, parent):
		return nil, errors.New("there is another one instead of ours: remove it, or give it another name")
	case err == nil && there.Attrs().HardwareAddr.String() != mac.String():
		return there, d.handle.LinkSetHardwareAddr(there, mac)
	case err == nil && there.Attrs().RawFlags&unix.IFF_NOARP != 0: // see settle
		return there, d.handle.LinkSetARPOn(there)
	case err == nil:
		return there, nil
	case !absent(err):
		return nil, err
	}
	if err := d.virtual.record(l); err != nil {
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.HardwareAddr = l.Name, parent.Attrs().Index, mac
	if err := d.handle.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}); err != nil {
		return nil, fmt.Errorf("add a macvlan: %w", err)
	}
	return d.link(l.Name)
}

func isVirtual(l, parent netlink.Link) bool {
	macvlan, ok := l.(*netlink.Macvlan)
	return ok && macvlan.Mode == netlink.MACVLAN_MODE_PRIVATE && l.Attrs().ParentIndex == parent.Attrs().Index
}

// fill puts the addresses on a link that stands by, without local routes. Link-local ones are left out: the
// kernel takes them off whenever a link goes down (addrconf_ifdown).
func (d kernelDevice) fill(l netlink.Link, addresses []netip.Prefix) error {
	name := l.Attrs().Name
	list, err := d.list(l)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", name, err)
	}
	present := make([]netip.Prefix, len(list))
	for i, a := range list {
		present[i] = prefixOf(a)
	}
	fresh := slices.DeleteFunc(missing(addresses, present), func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() })
	// Each address is followed by the end of its route, so that there is no time in which they count.
	requests := make([]*nl.NetlinkRequest, 0, 2*len(fresh))
	for _, p := range fresh {
		requests = append(requests,
			addressRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, l.Attrs().Index, virtualAddrOf(p)),
			localRouteRequest(l.Attrs().Index, p.Addr())) // of IPv6, too: it is there until settle
	}
	outcomes := d.batch.do(requests)
	for i, p := range fresh {
		if err := outcomes[2*i]; err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add %s to %s: %w", p, name, err)
		}
	}
	if slices.ContainsFunc(fresh, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		if err := d.settle(l); err != nil {
			return fmt.Errorf("take %s up and down once: %w", name, err)
		}
		if err := d.unroute(l); err != nil { // IPv4's are back
			return err
		}
	}
	d.virtual.fill(name, l.Attrs().Index, addresses)
	return nil
}

// settle takes a link up and down that was given IPv6 addresses while it was down. The kernel puts back the
// local routes of those alone that it has seen go down (fixup_permanent_addr), and until then keeps the ones
// that it made when they were added. Without ARP a link joins no group and answers nobody.
func (d kernelDevice) settle(l netlink.Link) error {
	if _, err := d.awaitLocal6(l); err != nil {
		return err
	}
	for _, step := range []func(netlink.Link) error{
		d.handle.LinkSetARPOff, d.handle.LinkSetUp, d.handle.LinkSetDown, d.handle.LinkSetARPOn,
	} {
		if err := step(l); err != nil {
			return err
		}
	}
	return nil
}

// activate puts a virtual link into service: it is up, and all addresses are on it. It returns what was not
// in service before.
func (d kernelDevice) activate(l netlink.Link, addresses []netip.Prefix) (added []netip.Prefix, err error) {
	name := l.Attrs().Name
	up := l.Attrs().RawFlags&unix.IFF_UP != 0
	if !up {
		if err := d.handle.LinkSetUp(l); err != nil {
			return nil, fmt.Errorf("bring %s up: %w", name, err)
		}
	}
	list, err := d.list(l)
	if err != nil {
		return nil, fmt.Errorf("list the addresses of %s: %w", name, err)
	}
	var lame []netip.Prefix
	if up { // or the kernel is still at it
		if lame, err = d.awaitLocal6(l); err != nil {
			return nil, err
		}
	}
	good := make([]netip.Prefix, 0, len(list))
	var doubtful []netip.Prefix
	for _, a := range list {
		if p := prefixOf(a); usable(a) && !slices.Contains(lame, p) {
			good = append(good, p)
		} else {
			doubtful = append(doubtful, p) // nobody answers for an address that is looked at for a double
		}
	}
	d.each(unix.RTM_DELADDR, 0, l, doubtful)
	fresh := missing(addresses, good)
	requests := make([]*nl.NetlinkRequest, len(fresh))
	for i, p := range fresh {
		requests[i] = addressRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, l.Attrs().Index, virtualAddrOf(p))
	}
	outcomes := d.batch.do(requests)
	var errs []error
	for i, p := range fresh {
		if err := outcomes[i]; err != nil && !errors.Is(err, unix.EEXIST) {
			errs = append(errs, fmt.Errorf("add %s to %s: %w", p, name, err))
		}
	}
	if !up {
		return addresses, errors.Join(errs...)
	}
	return fresh, errors.Join(errs...)
}

const (
	// localPatience bounds the wait for the kernel to finish with IPv6 addresses, and localPause is between
	// two looks.
	localPatience = 200 * time.Millisecond
	localPause    = time.Millisecond
)

// awaitLocal6 waits until the kernel has made the local routes of a link's IPv6 addresses. It does so on a
// worker (addrconf_dad_work), and a link that goes down before would come up without them. It returns the
// addresses that have none even so.
func (d kernelDevice) awaitLocal6(l netlink.Link) (lame []netip.Prefix, err error) {
	for deadline := time.Now().Add(localPatience); ; time.Sleep(localPause) {
		lame, err = d.withoutLocal6(l)
		if err != nil || len(lame) == 0 || time.Now().After(deadline) {
			return lame, err
		}
	}
}

// withoutLocal6 returns the IPv6 addresses of a link that have no local route.
func (d kernelDevice) withoutLocal6(l netlink.Link) (lame []netip.Prefix, err error) {
	list, err := whole(func() ([]netlink.Addr, error) { return d.lister.list(l.Attrs().Index, netlink.FAMILY_V6) })
	if err != nil {
		return nil, fmt.Errorf("list the addresses of %s: %w", l.Attrs().Name, err)
	}
	if len(list) == 0 {
		return nil, nil
	}
	routes, err := whole(func() ([]netlink.Route, error) {
		return d.filtering.RouteListFiltered(netlink.FAMILY_V6,
			&netlink.Route{Table: unix.RT_TABLE_LOCAL, LinkIndex: l.Attrs().Index, Type: unix.RTN_LOCAL},
			netlink.RT_FILTER_TABLE|netlink.RT_FILTER_OIF|netlink.RT_FILTER_TYPE)
	})
	if err != nil {
		return nil, fmt.Errorf("list the local routes of %s: %w", l.Attrs().Name, err)
	}
	there := make(map[netip.Addr]bool, len(routes))
	for _, r := range routes {
		there[destinationOf(r).Addr()] = true
	}
	for _, a := range list {
		if p := prefixOf(a); !there[p.Addr()] {
			lame = append(lame, p)
		}
	}
	return lame, nil
}

// StandBy takes a virtual link out of service: down, with its addresses, and none of them local. One that is
// absent or not ours is passed over.
func (k *Kernel) StandBy(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	l, err := k.netlink.link(name)
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at interface %s: %w", name, err)
	}
	if !k.netlink.virtual.is(l) {
		return nil
	}
	if l.Attrs().RawFlags&unix.IFF_UP != 0 {
		if _, err := k.netlink.awaitLocal6(l); err != nil {
			return err
		}
	}
	if err := k.netlink.handle.LinkSetDown(l); err != nil {
		return fmt.Errorf("bring %s down: %w", name, err)
	}
	return k.netlink.unroute(l)
}

// unroute removes the local routes of a link's addresses.
func (d kernelDevice) unroute(l netlink.Link) error {
	list, err := d.list(l)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", l.Attrs().Name, err)
	}
	requests := make([]*nl.NetlinkRequest, len(list))
	for i, a := range list {
		requests[i] = localRouteRequest(l.Attrs().Index, prefixOf(a).Addr())
	}
	for i, err := range d.batch.do(requests) {
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("remove the local route of %s: %w", prefixOf(list[i]), err)
		}
	}
	return nil
}

// RetainLinks deletes every virtual link of ours that is not listed, its addresses with it, and gives back
// the settings of a parent that has none any more.
func (k *Kernel) RetainLinks(links []spec.VirtualLink) error {
	k.providing.Lock()
	defer k.providing.Unlock()
	var errs []error
	for _, l := range k.netlink.virtual.others(links) {
		if err := k.netlink.removeLink(l); err != nil {
			errs = append(errs, fmt.Errorf("remove interface %s: %w", l.Name, err))
			links = append(links, l)
		}
	}
	return errors.Join(append(errs, k.settings.retain(links))...)
}

func (d kernelDevice) removeLink(l spec.VirtualLink) error {
	there, err := d.link(l.Name)
	switch {
	case absent(err):
	case err != nil:
		return err
	case !d.virtual.is(there): // somebody has put another one in its place
	default:
		if err := d.handle.LinkDel(there); err != nil && !absent(err) {
			return err
		}
	}
	return d.virtual.forget(l)
}

// virtualAddrOf is an address of a virtual link, which needs no route to a subnet. Link-local ones do.
func virtualAddrOf(p netip.Prefix) *netlink.Addr {
	a := addrOf(p)
	if p.IsSingleIP() {
		a.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	return a
}

// localRouteRequest removes the route by which the machine takes packets to an address of its own.
func localRouteRequest(index int, a netip.Addr) *nl.NetlinkRequest {
	head := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family: unix.AF_INET, Dst_len: uint8(a.BitLen()), Table: unix.RT_TABLE_LOCAL,
		Type: unix.RTN_LOCAL, Scope: unix.RT_SCOPE_HOST,
	}}
	if a.Is6() {
		head.Family, head.Scope = unix.AF_INET6, unix.RT_SCOPE_UNIVERSE
	}
	r := nl.NewNetlinkRequest(unix.RTM_DELROUTE, 0)
	r.AddData(head)
	r.AddData(nl.NewRtAttr(unix.RTA_DST, a.AsSlice()))
	r.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	return r
}
