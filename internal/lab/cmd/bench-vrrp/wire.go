package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// wire is what the client sees of the adverts on its network: the same yardstick for every program.
type wire struct {
	fd    int
	ended chan struct{}

	mu sync.Mutex
	// by is who sent the last advert of each virtual router.
	by map[byte]netip.Addr
	// transitions counts how often an advert came from another router than the one before.
	transitions int
	// since is when the last transition of any virtual router was seen.
	since time.Time
	// spoke is when the preferred director was last heard for each virtual router, since listenForSilence, and
	// silence the longest that it was not.
	spoke   map[byte]time.Time
	silence time.Duration
	waiting map[chan advert]func(advert) bool
}

// advert is one that was seen.
type advert struct {
	at       time.Time
	vrid     byte
	priority byte
	source   netip.Addr
}

const vrrpProtocol = 112

// watch begins to listen on the host.
func watch(h *lab.Host) (*wire, error) {
	w := &wire{ended: make(chan struct{}), by: map[byte]netip.Addr{}, spoke: map[byte]time.Time{}, since: time.Now(), waiting: map[chan advert]func(advert) bool{}}
	err := h.Do(func() (err error) {
		if w.fd, err = bench.TimedSocket(vrrpProtocol); err != nil {
			return err
		}
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		group := &unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 18}, Ifindex: int32(eth0.Index)}
		return errors.Join(bench.HearOnly(w.fd, bench.Address1(), bench.Address2()),
			unix.SetsockoptIPMreqn(w.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group),
			unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20))
	})
	if err != nil {
		return nil, fmt.Errorf("watch adverts: %w", err)
	}
	go w.run()
	return w, nil
}

func (w *wire) run() {
	defer close(w.ended)
	bench.ReceiveTimed(w.fd, func(at time.Time, datagram []byte) {
		message := datagram[int(datagram[0]&0x0f)*4:]
		if len(message) < 8 {
			return
		}
		w.saw(advert{at: at, vrid: message[1], priority: message[2], source: netip.AddrFrom4([4]byte(datagram[12:]))})
	})
}

func (w *wire) saw(a advert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.priority > 0 {
		if last, known := w.by[a.vrid]; known && last != a.source {
			w.transitions++
			w.since = a.at
		} else if !known {
			w.since = a.at
		}
		w.by[a.vrid] = a.source
	}
	if a.source == bench.Address1() {
		if last, known := w.spoke[a.vrid]; known {
			w.silence = max(w.silence, a.at.Sub(last))
		}
		w.spoke[a.vrid] = a.at
	}
	for c, match := range w.waiting {
		if match(a) {
			delete(w.waiting, c)
			c <- a
		}
	}
}

// next waits for an advert that matches.
func (w *wire) next(ctx context.Context, match func(advert) bool) (advert, error) {
	c := make(chan advert, 1)
	w.mu.Lock()
	w.waiting[c] = match
	w.mu.Unlock()
	select {
	case a := <-c:
		return a, nil
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, c)
		return advert{}, fmt.Errorf("wait for an advert: %w", context.Cause(ctx))
	}
}

func from(source netip.Addr) func(advert) bool {
	return func(a advert) bool { return a.source == source && a.priority > 0 }
}

// settled waits until n virtual routers have been in the hands of one router for a while.
func (w *wire) settled(ctx context.Context, n int, by netip.Addr, quiet time.Duration) error {
	for {
		w.mu.Lock()
		own := 0
		for _, source := range w.by {
			if source == by {
				own++
			}
		}
		still := time.Since(w.since)
		w.mu.Unlock()
		if own == n && still >= quiet {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s has %d of %d virtual routers: %w", by, own, n, context.Cause(ctx))
		}
	}
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.transitions
}

// listenForSilence begins to measure how long the preferred director is silent.
func (w *wire) listenForSilence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for vrid := range w.by {
		w.spoke[vrid] = now
	}
	w.silence = 0
}

// longestSilence is for one virtual router, up to now.
func (w *wire) longestSilence() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.spoke {
		w.silence = max(w.silence, time.Since(at))
	}
	return w.silence
}

func (w *wire) close() error {
	err := unix.Shutdown(w.fd, unix.SHUT_RDWR)
	if errors.Is(err, unix.ENOTCONN) {
		err = nil // a raw socket never is; its reader wakes up all the same
	}
	<-w.ended
	return errors.Join(err, unix.Close(w.fd))
}
