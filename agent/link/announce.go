package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
)

// Announce tells the neighbours that the addresses are at the interface's hardware address: gratuitous
// ARP, broadcast, as a request and as a reply, because there is equipment that only learns from the one
// or from the other. An interface without Ethernet addresses has nothing to announce.
func (k *Kernel) Announce(iface string, addresses []netip.Addr) error {
	l, err := k.netlink.link(iface)
	if err != nil {
		return fmt.Errorf("announce on %s: %w", iface, err)
	}
	if len(l.Attrs().HardwareAddr) != 6 {
		return nil
	}
	k.announcers.Lock()
	defer k.announcers.Unlock()
	a, err := k.announcer(l.Attrs())
	if err != nil {
		return fmt.Errorf("announce on %s: %w", iface, err)
	}
	var errs []error
	for _, address := range addresses {
		if err := a.announce(l.Attrs().HardwareAddr, address); err != nil {
			errs = append(errs, fmt.Errorf("announce %s on %s: %w", address, iface, err))
		}
	}
	if len(errs) > 0 {
		delete(k.byIndex, l.Attrs().Index) // another socket next time
		errs = append(errs, a.client.Close())
	}
	return errors.Join(errs...)
}

// announcer sends gratuitous ARP on one interface. It is kept, because the kernel waits for all CPUs when
// a packet socket is closed.
type announcer struct{ client *arp.Client }

// announcer returns the one of an interface. It is called with announcers held.
func (k *Kernel) announcer(attrs *netlink.LinkAttrs) (*announcer, error) {
	if a, ok := k.byIndex[attrs.Index]; ok {
		return a, nil
	}
	ifi := &net.Interface{Index: attrs.Index, Name: attrs.Name, MTU: attrs.MTU, HardwareAddr: attrs.HardwareAddr}
	// Protocol 0 receives nothing: this socket is for sending.
	conn, err := packet.Listen(ifi, packet.Raw, 0, nil)
	if err != nil {
		return nil, err
	}
	client, err := arp.New(ifi, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	a := &announcer{client}
	k.byIndex[attrs.Index] = a
	return a, nil
}

func (a *announcer) announce(mac net.HardwareAddr, address netip.Addr) error {
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
		if err := a.client.WriteTo(p, ethernet.Broadcast); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kernel) closeAnnouncers() error {
	k.announcers.Lock()
	defer k.announcers.Unlock()
	var errs []error
	for index, a := range k.byIndex {
		errs = append(errs, a.client.Close())
		delete(k.byIndex, index)
	}
	return errors.Join(errs...)
}
