package link

import (
	"encoding/binary"
	"errors"
	"net"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// lister lists the addresses of one interface. The library has the kernel send those of all, and with 10,000
// of them on ten virtual links each listing would take as long as a takeover may.
type lister struct {
	socket *nl.SocketHandle
}

func openLister() (*lister, error) {
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1) // a kernel before 4.20 lists all
	return &lister{&nl.SocketHandle{Socket: s}}, nil
}

func (l *lister) close() { l.socket.Close() }

// list lists those of an interface and family, or of both families.
func (l *lister) list(index, family int) (all []netlink.Addr, err error) {
	if family == netlink.FAMILY_ALL {
		four, err4 := l.list(index, netlink.FAMILY_V4)
		six, err6 := l.list(index, netlink.FAMILY_V6)
		return append(four, six...), errors.Join(err4, err6)
	}
	r := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	r.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: l.socket}
	head := nl.NewIfAddrmsg(family)
	head.Index = uint32(index)
	r.AddData(head)
	messages, err := r.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
	for _, m := range messages {
		head := nl.DeserializeIfAddrmsg(m)
		if int(head.Index) != index || int(head.Family) != family {
			continue
		}
		attributes, bad := nl.ParseRouteAttr(m[head.Len():])
		if bad != nil {
			return nil, bad
		}
		all = append(all, addressOf(head, attributes))
	}
	return all, err
}

// addressOf reads what matters here. IFA_LOCAL is the interface's own where IFA_ADDRESS is its peer's.
func addressOf(head *nl.IfAddrmsg, attributes []syscall.NetlinkRouteAttr) netlink.Addr {
	a := netlink.Addr{Flags: int(head.Flags), Scope: int(head.Scope), LinkIndex: int(head.Index)}
	var local, address net.IP
	for _, attr := range attributes {
		switch attr.Attr.Type {
		case unix.IFA_LOCAL:
			local = attr.Value
		case unix.IFA_ADDRESS:
			address = attr.Value
		case unix.IFA_FLAGS:
			a.Flags = int(binary.NativeEndian.Uint32(attr.Value))
		}
	}
	ip, bits := address, int(head.Prefixlen)
	if local != nil && !local.Equal(address) {
		ip, bits = local, 8*len(local)
	}
	a.IPNet = &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, 8*len(ip))}
	return a
}
