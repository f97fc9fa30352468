package check

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// pingProbe passes when an echo request is answered (RFC 792, RFC 4443 §4).
type pingProbe struct {
	dial  dialFunc
	check spec.PingCheck
}

// Probe implements probe.
func (p pingProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	to := aim(server, p.check.Address, nil).Addr()
	how := echoOverIPv4()
	if to.Is6() {
		how = echoOverIPv6()
	}
	conn, err := p.dial(ctx, how.network, to.String())
	if errors.Is(err, unix.EPERM) {
		return errors.New("the agent may not send an echo request: give it CAP_NET_RAW")
	}
	if err != nil {
		return networkReason(ctx, err)
	}
	defer func() { _ = conn.Close() }() // nothing waits in it
	defer obey(ctx, conn)()
	raw, ok := conn.(*net.IPConn)
	if !ok {
		return fmt.Errorf("a %T sends no echo request", conn)
	}
	if err := how.filter(raw); err != nil {
		return networkReason(ctx, err)
	}
	if err := how.echo(raw); err != nil {
		return networkReason(ctx, err)
	}
	return nil
}

// echo is how a family of addresses asks for a reply.
type echo struct {
	network        string // for a Dialer
	protocol       int    // its IP protocol number
	request, reply icmp.Type
	// filter makes the kernel drop all other messages that come to the machine.
	filter func(*net.IPConn) error
}

func echoOverIPv4() echo {
	return echo{"ip4:1", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, func(conn *net.IPConn) error {
		var f ipv4.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv4.ICMPTypeEchoReply)
		return errors.Join(ipv4.NewPacketConn(conn).SetICMPFilter(&f), setOption(conn, unix.IPPROTO_IP, unix.IP_RECVERR, 1))
	}}
}

func echoOverIPv6() echo {
	return echo{"ip6:58", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, func(conn *net.IPConn) error {
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeEchoReply)
		return errors.Join(ipv6.NewPacketConn(conn).SetICMPFilter(&f), setOption(conn, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
	}}
}

// echo sends a request and waits for the reply to it. Replies to other requests to the same server come along: they
// have another identifier, or other data.
func (e echo) echo(conn *net.IPConn) error {
	data := make([]byte, 16)
	_, _ = rand.Read(data) // never fails
	id := int(binary.BigEndian.Uint16(data))
	request, err := (&icmp.Message{Type: e.request, Body: &icmp.Echo{ID: id, Seq: 1, Data: data}}).Marshal(nil) // the kernel adds the checksum of ICMPv6
	if err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	packet := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(packet) // which leaves out the header of IPv4
		if err != nil {
			return err
		}
		message, err := icmp.ParseMessage(e.protocol, packet[:n])
		if err != nil {
			continue
		}
		if body, ok := message.Body.(*icmp.Echo); ok && message.Type == e.reply && body.ID == id && bytes.Equal(body.Data, data) {
			return nil
		}
	}
}
