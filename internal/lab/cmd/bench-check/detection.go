package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// deaths is how many servers die in either way.
	deaths = 20
	// wakeUp is what a verdict may be late by on a machine that other work shares.
	wakeUp = 50 * time.Millisecond
)

// measureDetection has servers die, one after the other: some refuse connections from then on, some are silent. A
// server dies somewhere between two rounds, so it takes fall - 1 to fall intervals until the last round that
// is needed begins, and silence takes the timeout besides.
func measureDetection(ctx context.Context, _ settings, t bench.Results) error {
	beforeOthers()
	v := eachSecond()
	v.Interval, v.Timeout, v.Fall, v.TCP = spec.Duration(500*time.Millisecond), spec.Duration(200*time.Millisecond), 3, &spec.TCPCheck{}
	soonest, latest := 2*v.Interval.Std(), 3*v.Interval.Std()
	for _, way := range []struct {
		name      string
		more      time.Duration
		kill      func(*mortal) error
		direction byte
	}{
		{"refused", 0, (*mortal).refuse, 1},
		{"silent", v.Timeout.Std(), (*mortal).vanish, 2},
	} {
		took, err := detect(ctx, v, way.direction, way.kill)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("a dead server, %s, by %d checks %s apart", way.name, v.Fall, v.Interval.Std())
		t.Between(what+": soonest", took[0], soonest+way.more-wakeUp, latest+way.more+wakeUp)
		t.Between(what+": latest", took[len(took)-1], soonest+way.more-wakeUp, latest+way.more+wakeUp)
	}
	return nil
}

// mortal is a server on an interface that leads nowhere.
type mortal struct {
	link     netlink.Link
	address  *netlink.Addr
	listener net.Listener
}

// refuse has it answer with a reset.
func (m *mortal) refuse() error { return m.listener.Close() }

// vanish has nobody answer, nor the kernel find out that there is nobody.
func (m *mortal) vanish() error {
	return errors.Join(netlink.AddrDel(m.link, m.address), netlink.NeighSet(&netlink.Neigh{
		LinkIndex: m.link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: m.address.IP,
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1},
	}))
}

// detect returns how long each death took to be noticed, in order.
func detect(ctx context.Context, v spec.HealthCheck, network byte, kill func(*mortal) error) (took []time.Duration, err error) {
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("servers%d", network)}, PeerName: fmt.Sprintf("nobody%d", network)}
	if err := netlink.LinkAdd(link); err != nil {
		return nil, fmt.Errorf("make an interface for servers: %w", err)
	}
	peer, err := netlink.LinkByName(link.PeerName)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(netlink.LinkSetUp(peer), netlink.LinkSetUp(link)); err != nil {
		return nil, fmt.Errorf("bring up the interface for servers: %w", err)
	}
	// The director's own address keeps the route to those that are gone.
	if err := netlink.AddrAdd(link, address(network, 254)); err != nil {
		return nil, err
	}
	changed := make(chan struct{}, 1)
	d := spec.Desired{}.Clone()
	d.VirtualServers["web"] = spec.VirtualServer{HealthCheck: &v}
	servers := map[spec.ServerKey]*mortal{}
	for i := range byte(deaths) {
		m := &mortal{link: link, address: address(network, i+1)}
		if err := netlink.AddrAdd(link, m.address); err != nil {
			return nil, err
		}
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte(m.address.IP.To4())), portTCP)
		if m.listener, err = net.Listen("tcp4", at.String()); err != nil {
			return nil, err
		}
		defer func() { _ = m.listener.Close() }() // some are closed already
		go accept(m.listener, func(c net.Conn) { _ = c.Close() })
		key := spec.ServerKey{VirtualServer: "web", Address: at}
		servers[key] = m
		d.RealServers.Put(key, spec.DefaultRealServer())
	}
	c, end, err := checking(ctx, d, func(...string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	for key, m := range servers {
		if verdict, reason := c.Server(key); verdict != check.Passing {
			return nil, fmt.Errorf("%s is %s before it died: %s", key, verdict, reason)
		}
		died := time.Now()
		if err := kill(m); err != nil {
			return nil, err
		}
		for verdict := check.Passing; verdict != check.Failing; verdict, _ = c.Server(key) {
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(10 * time.Second):
				return nil, fmt.Errorf("nobody notices that %s is dead", key)
			}
		}
		took = append(took, time.Since(died))
	}
	slices.Sort(took)
	return took, nil
}

func address(network, host byte) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(198, 51, 100+network-1, host), Mask: net.CIDRMask(24, 32)}}
}
