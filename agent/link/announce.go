package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Announce tells the neighbours that the addresses are at the interface's hardware address: gratuitous
// ARP for IPv4, unsolicited neighbour advertisements for IPv6. An interface without Ethernet addresses
// has nothing to announce.
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
	var errs []error
	for _, address := range addresses {
		if err := k.announce(l.Attrs(), address); err != nil {
			errs = append(errs, fmt.Errorf("announce %s on %s: %w", address, iface, err))
		}
	}
	return errors.Join(errs...)
}

// announcer announces addresses of one family on one interface.
type announcer interface {
	announce(mac net.HardwareAddr, address netip.Addr) error
	Close() error
}

// announcerKey is the interface and family of an announcer.
type announcerKey struct {
	index  int
	family spec.Family
}

// announce announces one address. It is called with announcers held. An announcer is kept, because the
// kernel waits for all CPUs when a packet socket is closed; one that fails is replaced the next time.
func (k *Kernel) announce(attrs *netlink.LinkAttrs, address netip.Addr) error {
	key := announcerKey{attrs.Index, spec.FamilyOf(address)}
	a, ok := k.byIndex[key]
	if !ok {
		ifi := &net.Interface{Index: attrs.Index, Name: attrs.Name, MTU: attrs.MTU, HardwareAddr: attrs.HardwareAddr}
		open := openARP
		if key.family == spec.IPv6 {
			open = openNDP
		}
		var err error
		if a, err = open(ifi); err != nil {
			return err
		}
		k.byIndex[key] = a
	}
	if err := a.announce(attrs.HardwareAddr, address); err != nil {
		delete(k.byIndex, key)
		return errors.Join(err, a.Close())
	}
	return nil
}

func (k *Kernel) closeAnnouncers() error {
	k.announcers.Lock()
	defer k.announcers.Unlock()
	var errs []error
	for key, a := range k.byIndex {
		errs = append(errs, a.Close())
		delete(k.byIndex, key)
	}
	return errors.Join(errs...)
}
