package bench

import (
	"context"
	"errors"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Address1 is that of the first director of a Site, from the network that is set aside for benchmarks
// (RFC 2544, appendix C.2.2).
func Address1() netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, 11}) }

// Address2 is that of the second director.
func Address2() netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, 12}) }

// Site is a network with hosts for a client and two directors. Nothing runs on them yet.
type Site struct {
	*lab.Network
	Client, H1, H2 *lab.Host
}

// NewSite makes a site.
func NewSite(ctx context.Context) (_ *Site, err error) {
	s := &Site{}
	if s.Network, err = lab.NewNetwork(ctx); err != nil {
		return nil, err
	}
	for _, h := range []struct {
		host    **lab.Host
		name    string
		address netip.Addr
	}{{&s.Client, "client", netip.AddrFrom4([4]byte{198, 18, 0, 1})}, {&s.H1, "d1", Address1()}, {&s.H2, "d2", Address2()}} {
		if *h.host, err = s.AddHost(h.name, netip.PrefixFrom(h.address, 16)); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}
