package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// mortal is a server on an interface that leads nowhere.
type mortal struct {
	at       netip.AddrPort
	link     netlink.Link
	address  *netlink.Addr
	listener net.Listener
}

func (m *mortal) key() spec.ServerKey { return spec.ServerKey{VirtualServer: "web", Address: m.at} }

// refuse has it answer with a reset.
func (m *mortal) refuse() error { return m.listener.Close() }

// vanish has nobody answer, nor the kernel find out that there is nobody.
func (m *mortal) vanish() error {
	return errors.Join(netlink.AddrDel(m.link, m.address), netlink.NeighSet(&netlink.Neigh{
		LinkIndex: m.link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: m.address.IP,
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1},
	}))
}

// bear returns n servers on a network of their own, which accept connections until they die, or are buried.
func bear(network byte, n int) (servers []*mortal, bury func(), err error) {
	bury = func() {
		for _, m := range servers {
			_ = m.listener.Close() // some are closed already
		}
	}
	defer func() {
		if err != nil {
			bury()
		}
	}()
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("servers%d", network)}, PeerName: fmt.Sprintf("nobody%d", network)}
	if err := netlink.LinkAdd(link); err != nil {
		return nil, bury, fmt.Errorf("make an interface for servers: %w", err)
	}
	peer, err := netlink.LinkByName(link.PeerName)
	if err != nil {
		return nil, bury, err
	}
	if err := errors.Join(netlink.LinkSetUp(peer), netlink.LinkSetUp(link)); err != nil {
		return nil, bury, fmt.Errorf("bring up the interface for servers: %w", err)
	}
	// The director's own address keeps the route to those that are gone.
	if err := netlink.AddrAdd(link, address(network, 254)); err != nil {
		return nil, bury, err
	}
	for i := range n {
		m := &mortal{link: link, address: address(network, byte(i+1))}
		if err := netlink.AddrAdd(link, m.address); err != nil {
			return nil, bury, err
		}
		m.at = netip.AddrPortFrom(netip.AddrFrom4([4]byte(m.address.IP.To4())), portTCP)
		if m.listener, err = net.Listen("tcp4", m.at.String()); err != nil {
			return nil, bury, err
		}
		servers = append(servers, m)
		go accept(m.listener, func(c net.Conn) { _ = c.Close() })
	}
	return servers, bury, nil
}

func address(network, host byte) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(198, 51, 100+network-1, host), Mask: net.CIDRMask(24, 32)}}
}
