package check

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// udpProbe passes when a datagram is answered as expected. Where nothing is expected, it passes when something comes
// back, or when its time is nearly up and nobody has said that the datagram did not arrive.
type udpProbe struct {
	dial  dialFunc
	check spec.UDPCheck
}

// Probe implements probe.
func (p udpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	conn, err := p.dial(ctx, "udp", aim(server, p.check.Address, p.check.Port).String())
	if err != nil {
		return networkReason(ctx, err)
	}
	defer func() { _ = conn.Close() }() // nothing waits in it
	if err := hearICMP(conn); err != nil {
		return networkReason(ctx, err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(time.Now().Add(p.share(time.Until(deadline)))) // it is open
	}
	defer obey(ctx, conn)()
	if _, err := conn.Write(p.check.Payload()); err != nil {
		return networkReason(ctx, err)
	}
	datagram := make([]byte, maxDatagram)
	n, err := conn.Read(datagram)
	want := p.check.Expected()
	switch {
	case err != nil && expired(err) && len(want) == 0 && ctx.Err() == nil:
		return nil
	case err != nil:
		return networkReason(ctx, err)
	case !bytes.Contains(datagram[:n], want):
		return fmt.Errorf("the answer does not contain the expected %s: %s", p.expected(), clean(string(datagram[:n])))
	}
	return nil
}

// share is how much of a time is waited for an answer: silence that passes is to be a result in time.
func (p udpProbe) share(all time.Duration) time.Duration {
	if len(p.check.Expected()) == 0 {
		return all * 9 / 10
	}
	return all
}

// expected is what is expected, as the check has it.
func (p udpProbe) expected() string {
	if p.check.ExpectHex != "" {
		return "bytes " + clean(p.check.ExpectHex)
	}
	return fmt.Sprintf("%q", clean(p.check.Expect))
}

// hearICMP makes a socket fail with what routers and the other machine say of its datagrams. Without it only an
// unreachable port is an error (ip(7), IP_RECVERR).
func hearICMP(conn net.Conn) error {
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if local, ok := conn.LocalAddr().(*net.UDPAddr); ok && local.IP.To4() == nil {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	return setOption(conn, level, option, 1)
}
