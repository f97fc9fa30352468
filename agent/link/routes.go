package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// routeProtocol is the mark by which the kernel tells our routes from others': the number of VRRP among the
// IP protocols, which stands for nobody in iproute2's rt_protos.
const routeProtocol = 112

// EnsureRoutes puts routes in place where they are missing, or lead elsewhere. One that fails keeps no
// other from being put. A route of somebody else with the same destination, metric and table is left, and
// is an error.
func (k *Kernel) EnsureRoutes(routes []spec.VirtualRoute) error {
	var errs []error
	for _, r := range routes {
		if err := k.netlink.ensureRoute(r); err != nil {
			errs = append(errs, fmt.Errorf("add the route to %s on %s: %w", r.Destination, r.Interface, err))
		}
	}
	return errors.Join(errs...)
}

// RemoveRoutes removes routes of ours. Those that are absent, or whose interface is, are passed over.
func (k *Kernel) RemoveRoutes(routes []spec.VirtualRoute) error {
	var errs []error
	for _, r := range routes {
		if err := k.netlink.removeRoute(r); err != nil {
			errs = append(errs, fmt.Errorf("remove the route to %s on %s: %w", r.Destination, r.Interface, err))
		}
	}
	return errors.Join(errs...)
}

// RetainRoutes removes every route of ours that is not listed.
func (k *Kernel) RetainRoutes(routes []spec.VirtualRoute) error {
	wanted := make([]string, len(routes))
	for i, r := range routes {
		wanted[i] = routeKey(r.Destination, r.Metric, r.Table)
	}
	four, err := k.netlink.routes(netlink.FAMILY_V4)
	six, err6 := k.netlink.routes(netlink.FAMILY_V6)
	if err = errors.Join(err, err6); err != nil {
		return err
	}
	var errs []error
	for _, r := range append(four, six...) {
		d := destinationOf(r)
		if slices.Contains(wanted, routeKey(d, r.Priority, r.Table)) {
			continue
		}
		if err := k.netlink.handle.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("remove the route to %s: %w", d, err))
		}
	}
	return errors.Join(errs...)
}

// routeKey is what the kernel has only one route of. Left out, the metric of an IPv6 route is 1024
// (IP6_RT_PRIO_USER).
func routeKey(d netip.Prefix, metric, table int) string {
	if metric == 0 && d.Addr().Is6() {
		metric = defaultMetric6
	}
	return fmt.Sprintf("%s %d %d", d, metric, table)
}

const defaultMetric6 = 1024

// routes lists our routes in all tables. The kernel filters them: a router may have a million of others'.
func (d kernelDevice) routes(family int) ([]netlink.Route, error) {
	list, err := whole(func() ([]netlink.Route, error) {
		return d.filtering.RouteListFiltered(family, &netlink.Route{Protocol: routeProtocol, Table: unix.RT_TABLE_UNSPEC},
			netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("list our routes: %w", err)
	}
	return list, nil
}

func (d kernelDevice) ensureRoute(r spec.VirtualRoute) error {
	route, err := d.routeOf(r)
	if err != nil {
		return err
	}
	if err = d.handle.RouteAdd(route); !errors.Is(err, unix.EEXIST) {
		return err
	}
	family := netlink.FAMILY_V4
	if r.Destination.Addr().Is6() {
		family = netlink.FAMILY_V6
	}
	ours, err := d.routes(family)
	if err != nil {
		return err
	}
	key := routeKey(r.Destination, r.Metric, r.Table)
	for _, o := range ours {
		if routeKey(destinationOf(o), o.Priority, o.Table) != key {
			continue
		}
		if o.LinkIndex == route.LinkIndex && o.Gw.Equal(route.Gw) && (r.Source == netip.Addr{} || o.Src.Equal(route.Src)) {
			return nil
		}
		return d.handle.RouteReplace(route)
	}
	return errors.New("there is one with this metric that is not ours: use another metric, or remove it")
}

func (d kernelDevice) removeRoute(r spec.VirtualRoute) error {
	route, err := d.routeOf(r)
	if absent(err) {
		return nil // it went with its interface
	}
	if err != nil {
		return err
	}
	if err = d.handle.RouteDel(route); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func (d kernelDevice) routeOf(r spec.VirtualRoute) (*netlink.Route, error) {
	l, err := d.link(r.Interface)
	if err != nil {
		return nil, err
	}
	bits := r.Destination.Addr().BitLen()
	return &netlink.Route{
		LinkIndex: l.Attrs().Index,
		Dst:       &net.IPNet{IP: r.Destination.Addr().AsSlice(), Mask: net.CIDRMask(r.Destination.Bits(), bits)},
		Gw:        r.Via.AsSlice(),
		Src:       r.Source.AsSlice(),
		Priority:  r.Metric,
		Table:     r.Table,
		Protocol:  routeProtocol,
		Scope:     scopeOf(r),
	}, nil
}

// scopeOf: an IPv4 network without a router is on the link. IPv6 has no scopes.
func scopeOf(r spec.VirtualRoute) netlink.Scope {
	if !r.Via.IsValid() && r.Destination.Addr().Is4() {
		return netlink.SCOPE_LINK
	}
	return netlink.SCOPE_UNIVERSE
}

func destinationOf(r netlink.Route) netip.Prefix {
	if r.Dst == nil { // the library's way to say the default route
		if r.Family == netlink.FAMILY_V6 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	ip, _ := netip.AddrFromSlice(r.Dst.IP)
	bits, size := r.Dst.Mask.Size()
	if size == 32 {
		ip = ip.Unmap()
	}
	return netip.PrefixFrom(ip, bits)
}
