package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// ndpAnnouncer sends unsolicited neighbour advertisements to all nodes (RFC 4861 §7.2.6).
type ndpAnnouncer struct{ *ndp.Conn }

func openNDP(ifi *net.Interface) (announcer, error) {
	// The source is the kernel's choice: the interface's own link-local address, because virtual ones are
	// deprecated. A socket bound to an address would end with it.
	conn, _, err := ndp.Listen(ifi, ndp.Unspecified)
	if err != nil {
		return nil, err
	}
	// It is for sending: nothing that comes in is to wait for a reader.
	var nothing ipv6.ICMPFilter
	nothing.SetAll(true)
	if err := conn.SetICMPFilter(&nothing); err != nil {
		return nil, errors.Join(fmt.Errorf("block what comes in: %w", err), conn.Close())
	}
	return ndpAnnouncer{conn}, nil
}

// announce says what RFC 9568 §6.4.1 asks for: a router, nobody has asked, and what neighbours have
// learnt before is no longer so.
func (a ndpAnnouncer) announce(mac net.HardwareAddr, address netip.Addr) error {
	return a.WriteTo(&ndp.NeighborAdvertisement{
		Router: true, Solicited: false, Override: true,
		TargetAddress: address,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, nil, netip.IPv6LinkLocalAllNodes())
}
