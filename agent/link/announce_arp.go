package link

import (
	"errors"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// arpAnnouncer sends gratuitous ARP, broadcast, as a request and as a reply, because there is equipment
// that only learns from the one or from the other.
type arpAnnouncer struct{ *arp.Client }

func openARP(ifi *net.Interface) (announcer, error) {
	// Protocol 0 receives nothing: this socket is for sending.
	conn, err := packet.Listen(ifi, packet.Raw, 0, nil)
	if err != nil {
		return nil, err
	}
	client, err := arp.New(ifi, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return arpAnnouncer{client}, nil
}

func (a arpAnnouncer) announce(mac net.HardwareAddr, address netip.Addr) error {
	// Sender and target are the address itself (RFC 5227 §3). The target's hardware address means nothing
	// in a request, and repeats the sender's in a reply.
	for _, form := range []struct {
		operation arp.Operation
		target    net.HardwareAddr
	}{
		{arp.OperationRequest, net.HardwareAddr{0, 0, 0, 0, 0, 0}},
		{arp.OperationReply, mac},
	} {
		p, err := arp.NewPacket(form.operation, mac, address, form.target, address)
		if err != nil {
			return err
		}
		if err := a.WriteTo(p, ethernet.Broadcast); err != nil {
			return err
		}
	}
	return nil
}
