package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// flooded are the virtual routers that are flooded: those whose time is short, and a crowd.
func flooded(s settings) []virtualRouters {
	return []virtualRouters{{count: 1, interval: 10 * time.Millisecond}, {count: s.instances, interval: s.interval}}
}

// floods are what the segment is flooded with, by name. Each returns the message number i of them.
func floods(v virtualRouters) []flood {
	vrid := func(i int) byte { return byte(1 + i%v.count) }
	return []flood{
		{"nothing", nil},
		{"malformed", func(i int) []byte { return garble(losing(v, vrid(i))) }},
		{"unknown", func(int) []byte { return losing(v, 0) }},
		{"losing", func(i int) []byte { return losing(v, vrid(i)) }},
	}
}

type flood struct {
	name    string
	message func(i int) []byte
}

// losing is the message of an advert that nobody follows, for its priority is the least. Its checksum is with
// pseudo-header: every program here takes it.
func losing(v virtualRouters, vrid byte) []byte {
	const version, typ, priority, count = 3, 1, 1, 1
	b := []byte{version<<4 | typ, vrid, priority, count}
	b = binary.BigEndian.AppendUint16(b, uint16(v.interval/(10*time.Millisecond)))
	b = append(b, 0, 0)
	b = append(b, virtual(int(vrid)).Addr().AsSlice()...)
	source, group := flooder().As4(), vrrpGroup()
	pseudo := append(append(source[:], group[:]...), 0, vrrpProtocol, 0, byte(len(b)))
	binary.BigEndian.PutUint16(b[6:], checksum(append(pseudo, b...)))
	return b
}

// garble makes the checksum wrong.
func garble(message []byte) []byte {
	message[6]++
	return message
}

func flooder() netip.Addr { return netip.MustParseAddr("198.18.0.66") }
func vrrpGroup() [4]byte  { return [4]byte{224, 0, 0, 18} }

// measureFlood has somebody flood the segment with VRRP as fast as a thread can send, on idle cores and on
// busy ones. Nothing may change hands that does not change hands without the flood.
func measureFlood(ctx context.Context, s settings, dir string, t *table) error {
	for _, v := range flooded(s) {
		err := both(ctx, s, dir, v, func(ours, theirs *pair) error {
			seen := map[*pair][]floodResult{}
			for _, p := range []*pair{ours, theirs} {
				if err := p.startInTurn(ctx, v); err != nil && p == ours {
					return err
				}
				var err error
				if seen[p], err = p.underFloods(ctx, s, v); err != nil {
					return err
				}
				if err := errors.Join(p.d1.stop(), p.d2.stop()); err != nil {
					return err
				}
			}
			for i, a := range seen[ours] {
				addFlood(t, a, seen[theirs][i])
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// floodResult is what one flood did.
type floodResult struct {
	what string
	rate float64 // datagrams a second
	// changes of hands, and the longest that the preferred program was silent for a virtual router.
	changes int
	silence time.Duration
	late    histogram
}

func addFlood(t *table, ours, theirs floodResult) {
	t.add(result{what: ours.what + ": datagrams/s", format: asCount, ours: ours.rate, keepalived: theirs.rate, compared: true})
	t.add(result{what: "    99 % of adverts late by", format: asAtMost, ours: ours.late.quantile(0.99)})
	t.add(result{what: "    all adverts late by", format: asAtMost, ours: ours.late.quantile(1)})
	t.add(result{what: "    longest silence", format: asMilliseconds, ours: seconds(ours.silence), keepalived: seconds(theirs.silence), compared: true})
	t.add(result{what: "    changes of hands", format: asCount, ours: float64(ours.changes), keepalived: float64(theirs.changes), compared: true})
}

// underFloods goes through all floods, first on idle cores.
func (p *pair) underFloods(ctx context.Context, s settings, v virtualRouters) (all []floodResult, err error) {
	host, err := p.AddHost("flooder", netip.PrefixFrom(flooder(), 16))
	if err != nil {
		return nil, err
	}
	for _, cores := range []string{"idle", "busy"} {
		stop := func() error { return nil }
		if cores == "busy" {
			if stop, err = loadAllCores(ctx); err != nil {
				return nil, err
			}
		}
		for _, f := range floods(v) {
			r, err := p.underFlood(ctx, s, host, f)
			if err != nil {
				return nil, errors.Join(err, stop())
			}
			r.what = fmt.Sprintf("%d at %s, %s cores, %s", v.count, v.interval, cores, f.name)
			all = append(all, r)
			p.recover(ctx, v)
		}
		if err := stop(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// recover waits until all is as before a flood, but not for long: there are programs that it takes minutes.
func (p *pair) recover(ctx context.Context, v virtualRouters) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = p.wire.settled(ctx, v.count, bench.Address1(), 10*v.interval)
}

func (p *pair) underFlood(ctx context.Context, s settings, from *lab.Host, f flood) (r floodResult, err error) {
	before, err := p.lateness(ctx)
	if err != nil {
		return r, err
	}
	changes := p.wire.count()
	p.wire.listenForSilence()
	sent, err := f.pour(ctx, from, s.flood)
	if err != nil {
		return r, err
	}
	r.rate, r.changes, r.silence = float64(sent)/s.flood.Seconds(), p.wire.count()-changes, p.wire.longestSilence()
	after, err := p.lateness(ctx)
	r.late = after.since(before)
	return r, err
}

// pour sends for that long.
func (f flood) pour(ctx context.Context, from *lab.Host, howLong time.Duration) (sent int, err error) {
	ctx, cancel := context.WithTimeout(ctx, howLong)
	defer cancel()
	if f.message == nil {
		<-ctx.Done()
		return 0, nil
	}
	var fd int
	err = from.Do(func() (err error) {
		fd, err = floodSocket()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("open the flooder's socket: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	messages := make([][]byte, 256)
	for i := range messages {
		messages[i] = f.message(i)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	to := &unix.SockaddrInet4{Addr: vrrpGroup()}
	for ; ctx.Err() == nil; sent++ {
		if err := unix.Sendto(fd, messages[sent%len(messages)], 0, to); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return sent, fmt.Errorf("flood: %w", err)
		}
	}
	return sent, nil
}

func floodSocket() (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrpProtocol); err != nil {
		return -1, err
	}
	eth0, err := net.InterfaceByName("eth0")
	if err == nil {
		err = errors.Join(
			unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(eth0.Index)}),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255),
			bench.HearOnly(fd))
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}
