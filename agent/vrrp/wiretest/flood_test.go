package wiretest

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// flood sends each of the messages so many times from a host to VRRP's group, as a neighbour would.
func flood(t *testing.T, from *lab.Host, times int, messages ...[]byte) {
	t.Helper()
	err := from.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrp.Protocol)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(eth0.Index)}); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255); err != nil {
			return err
		}
		for range times {
			for _, m := range messages {
				if err := unix.Sendto(fd, m, 0, &unix.SockaddrInet4{Addr: [4]byte{224, 0, 0, 18}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("flood: %v", err)
	}
}

func TestWire_24_AFloodChangesNothingButCounters(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := startDirector(t, n.Host(t, "d1", "192.0.2.11/24")), startDirector(t, n.Host(t, "d2", "192.0.2.12/24"))
	d1.set(web(steady(150)))
	eventually(t, "d1 is active", func() bool { return d1.is(spec.InstanceActive) })
	d2.set(web(steady(100)))
	roles(t, d1, d2)

	source, group := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("224.0.0.18")
	stranger := vrrp.Packet{Version: vrrp.Version3, VirtualRouterID: 99, Priority: 1, Interval: steady(1).AdvertisementInterval.Std(),
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100")}}
	losing := stranger
	losing.VirtualRouterID = uint8(steady(1).VirtualRouterID)
	malformed := losing.AppendTo(nil, source, group, vrrp.ChecksumMessage)
	malformed[6]++
	const times = 10_000
	flood(t, n.Host(t, "flooder", source.String()+"/24"), times, malformed,
		stranger.AppendTo(nil, source, group, vrrp.ChecksumMessage), losing.AppendTo(nil, source, group, vrrp.ChecksumMessage))

	for name, d := range map[string]*director{"d1": d1, "d2": d2} {
		eventually(t, name+" has read and counted it", func() bool {
			status := d.status()
			return status.Drops["checksum"] > times/10 && status.AdvertsReceived > times/10
		})
		if got := unreadBySenders(t, d.host); len(got) > 0 {
			t.Errorf("%s: adverts pile up in the socket for sending:\n%s", name, strings.Join(got, "\n"))
		}
	}
	roles(t, d1, d2)
	if one, two := d1.status(), d2.status(); one.BecameActive != 1 || two.BecameActive != 0 || one.AdvertsUnsent+two.AdvertsUnsent > 0 {
		t.Errorf("after the flood: %+v, %+v", one, two)
	}
}

// unreadBySenders returns the sockets of a host that adverts leave from and in which something waits. Their
// protocol, which is in place of a port, is IPPROTO_RAW (linux/net/ipv4/raw.c).
func unreadBySenders(t *testing.T, h *lab.Host) (found []string) {
	t.Helper()
	out, err := h.Output(t.Context(), "cat", "/proc/net/raw")
	if err != nil {
		t.Fatal(err)
	}
	senders := 0
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.HasSuffix(fields[1], ":00FF") {
			continue
		}
		senders++
		if !strings.HasSuffix(fields[4], ":00000000") { // tx_queue:rx_queue
			found = append(found, line)
		}
	}
	if senders == 0 {
		t.Errorf("no socket for sending is among these:\n%s", out)
	}
	return found
}
