package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

const (
	// Virtual routers with as many addresses as one may have.
	addressRouters = 10
	addressesEach  = 1000
	// addressBound is by when all of them answer, from the first advert of a takeover on.
	addressBound = 100 * time.Millisecond
)

// addressOf returns the i-th address of a virtual router, of which the first is in adverts.
func addressOf(vrid, i int) netip.Prefix {
	if i == 0 {
		return virtual(vrid)
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(16 + 4*vrid + i/250), byte(1 + i%250)}), 16)
}

// measureAddresses tells how long it takes until many addresses answer at the director that takes over, with
// virtual MACs and without.
func measureAddresses(ctx context.Context, s settings, dir string, t *table) error {
	for _, virtualMAC := range []bool{true, false} {
		took, err := addressTakeovers(ctx, s, dir, virtualMAC)
		if err != nil {
			return err
		}
		r := result{what: fmt.Sprintf("%d x %d addresses, virtual MAC: all answer", addressRouters, addressesEach), format: asMilliseconds, ours: seconds(median(took))}
		if virtualMAC {
			r.bound, r.kept = "<= "+addressBound.String(), median(took) <= addressBound
		} else {
			r.what = "    without virtual MAC"
		}
		t.add(r)
	}
	return nil
}

func addressTakeovers(ctx context.Context, s settings, dir string, virtualMAC bool) (took []time.Duration, err error) {
	v := virtualRouters{count: addressRouters, interval: time.Second, addresses: addressesEach, virtualMAC: virtualMAC}
	p, err := agents(ctx, s.agent, dir, v)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.startInTurn(ctx, v); err != nil {
		return nil, err
	}
	client, err := startSweeper(p.Client)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	for range s.runs {
		one, err := p.addressTakeover(ctx, v, client)
		if err != nil {
			return nil, err
		}
		took = append(took, one)
	}
	return took, errors.Join(p.d1.stop(), p.d2.stop())
}

func (p *pair) addressTakeover(ctx context.Context, v virtualRouters, client *sweeper) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.elected(ctx, v); err != nil {
		return 0, err
	}
	client.reset()
	if _, err := client.all(ctx); err != nil {
		return 0, err
	}
	if err := p.H1.Isolate(); err != nil {
		return 0, err
	}
	time.Sleep(10 * probeEvery) // what was on its way has come
	client.reset()
	begun, err := p.wire.next(ctx, from(bench.Address2()))
	if err != nil {
		return 0, err
	}
	last, err := client.all(ctx)
	if err != nil {
		return 0, err
	}
	return last.Sub(begun.at), p.H1.Restore()
}

// body is what an agent is told of a virtual router.
func (v virtualRouters) body(vrid, priority int) string {
	var excluded []string
	group := ""
	if v.addresses > 1 {
		group = `,"sync_group":"all"` // or each would take over at its own time
	}
	for i := 1; i < v.addresses; i++ {
		excluded = append(excluded, fmt.Sprintf(`{"address":"%s"}`, addressOf(vrid, i)))
	}
	return fmt.Sprintf(`{"virtual_router_id":%d,"interface":"eth0","priority":%d,"advertisement_interval":%q,"virtual_addresses":["%s"],"excluded_addresses":[%s],"virtual_mac":%t%s}`,
		vrid, priority, v.interval, virtual(vrid), strings.Join(excluded, ","), v.virtualMAC, group)
}

// sweeper is a client that asks the last address of each virtual router every millisecond: those before it have
// been put by then.
type sweeper struct {
	fd      int
	targets []unix.SockaddrInet4
	done    atomic.Bool
	ended   sync.WaitGroup

	mu    sync.Mutex
	first map[[4]byte]time.Time // arrival of the first answer since reset
}

func startSweeper(h *lab.Host) (*sweeper, error) {
	s := &sweeper{first: map[[4]byte]time.Time{}}
	for vrid := 1; vrid <= addressRouters; vrid++ {
		s.targets = append(s.targets, unix.SockaddrInet4{Addr: addressOf(vrid, addressesEach-1).Addr().As4()})
	}
	err := h.Do(func() (err error) {
		s.fd, err = bench.TimedSocket(unix.IPPROTO_ICMP)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the client's socket: %w", err)
	}
	s.ended.Go(s.send)
	s.ended.Go(func() { bench.ReceiveTimed(s.fd, s.received) })
	return s, nil
}

func (s *sweeper) send() {
	runtime.LockOSThread() // never unlocked: its priority ends with it
	bench.Hurry()
	echo := make([]byte, 16)
	echo[0] = icmpEcho
	binary.BigEndian.PutUint16(echo[2:], checksum(echo))
	var now unix.Timespec
	for !s.done.Load() {
		for i := range s.targets {
			_ = unix.Sendto(s.fd, echo, 0, &s.targets[i]) // nobody may be there: that is what is measured
		}
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
		sleepUntil(now.Nano() + int64(probeEvery))
	}
}

func (s *sweeper) received(at time.Time, datagram []byte) {
	message := datagram[int(datagram[0]&0x0f)*4:]
	if len(message) < 8 || message[0] != icmpEchoReply {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := [4]byte(datagram[12:])
	if _, known := s.first[from]; !known {
		s.first[from] = at
	}
}

func (s *sweeper) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.first)
}

// all waits until each target has answered, and returns when the last one of them did first.
func (s *sweeper) all(ctx context.Context) (last time.Time, err error) {
	for {
		s.mu.Lock()
		answered := len(s.first)
		for _, at := range s.first {
			if at.After(last) {
				last = at
			}
		}
		s.mu.Unlock()
		if answered == len(s.targets) {
			return last, nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%d of %d addresses answer: %w", answered, len(s.targets), context.Cause(ctx))
		}
	}
}

func (s *sweeper) close() error {
	s.done.Store(true)
	err := unix.Shutdown(s.fd, unix.SHUT_RDWR)
	if errors.Is(err, unix.ENOTCONN) {
		err = nil // a raw socket never is; its reader wakes up all the same
	}
	s.ended.Wait()
	return errors.Join(err, unix.Close(s.fd))
}

// put tells the agent of a virtual router.
func (a *agent) put(ctx context.Context, vrid int) error {
	return a.call(ctx, http.MethodPut, fmt.Sprintf("/v1/vrrp-instances/v%d", vrid), a.routers.body(vrid, a.priority))
}
