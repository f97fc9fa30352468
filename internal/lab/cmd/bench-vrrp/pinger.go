package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

const (
	// probeEvery is how exact a gap is known.
	probeEvery = time.Millisecond
	// probeStall is how late the client itself may be before a run says nothing.
	probeStall = 3 * time.Millisecond

	icmpEcho      = 8
	icmpEchoReply = 0
)

// pinger is a client that asks a virtual address every millisecond (ICMP echo, which the director's
// kernel answers: no server's own scheduling is in the figures).
type pinger struct {
	fd     int
	to     unix.SockaddrInet4
	done   atomic.Bool
	ended  sync.WaitGroup
	mu     sync.Mutex
	last   time.Time // arrival of the last answer
	gap    time.Duration
	stall  time.Duration
	answer int
}

func startPinger(h *lab.Host, target netip.Addr) (*pinger, error) {
	p := &pinger{to: unix.SockaddrInet4{Addr: target.As4()}}
	err := h.Do(func() (err error) {
		p.fd, err = bench.TimedSocket(unix.IPPROTO_ICMP)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the client's socket: %w", err)
	}
	p.ended.Go(p.send)
	p.ended.Go(func() { bench.ReceiveTimed(p.fd, p.received) })
	return p, nil
}

// send sends in even steps of a clock that does not jump.
func (p *pinger) send() {
	runtime.LockOSThread() // never unlocked: its priority ends with it
	bench.Hurry()
	echo := make([]byte, 16)
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	next := now.Nano()
	for sequence := uint16(0); !p.done.Load(); sequence++ {
		echo[0] = icmpEcho
		binary.BigEndian.PutUint16(echo[6:], sequence)
		binary.BigEndian.PutUint16(echo[2:], 0)
		binary.BigEndian.PutUint16(echo[2:], checksum(echo))
		_ = unix.Sendto(p.fd, echo, 0, &p.to) // nobody may be there: that is what is measured
		next += int64(probeEvery)
		sleepUntil(next)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
		if late := time.Duration(now.Nano() - next); late > probeEvery {
			p.stalled(late)
			next = now.Nano()
		}
	}
}

// sleepUntil sleeps without telling Go's scheduler, which would have the thread wait for it afterwards. A
// stop of the world waits for the sleep instead, which is short.
func sleepUntil(monotonic int64) {
	at := unix.NsecToTimespec(monotonic)
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME,
			uintptr(unsafe.Pointer(&at)), 0, 0, 0)
		if errno != unix.EINTR {
			return
		}
	}
}

func (p *pinger) stalled(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall = max(p.stall, late)
}

func (p *pinger) received(at time.Time, datagram []byte) {
	message := datagram[int(datagram[0]&0x0f)*4:]
	if [4]byte(datagram[12:]) != p.to.Addr || len(message) < 8 || message[0] != icmpEchoReply {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() {
		p.gap = max(p.gap, at.Sub(p.last))
	}
	p.last = at
	p.answer++
}

// reset forgets all but the time of the last answer.
func (p *pinger) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap, p.stall, p.answer = 0, 0, 0
}

// result returns the longest time without an answer since reset, and how late the client itself was.
func (p *pinger) result() (gap, stall time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap, p.stall
}

// answers waits until n more have come.
func (p *pinger) answers(ctx context.Context, n int) error {
	p.mu.Lock()
	until := p.answer + n
	p.mu.Unlock()
	for {
		p.mu.Lock()
		answered := p.answer >= until
		p.mu.Unlock()
		if answered {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for answers: %w", context.Cause(ctx))
		}
	}
}

func (p *pinger) close() error {
	p.done.Store(true)
	err := unix.Shutdown(p.fd, unix.SHUT_RDWR)
	if errors.Is(err, unix.ENOTCONN) {
		err = nil // a raw socket never is; its reader wakes up all the same
	}
	p.ended.Wait()
	return errors.Join(err, unix.Close(p.fd))
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
