package wiretest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// capture sees all that the switch floods: broadcast and multicast.
type capture struct {
	mu     sync.Mutex
	frames []frame
}

// frame is one in Ethernet.
type frame []byte

func startCapture(t *testing.T, n *lab.Network) *capture {
	t.Helper()
	return startCaptureOn(t, n.Host(t, "watcher", "192.0.2.250/24"))
}

// startCaptureOn sees what comes to a host, and what leaves it.
func startCaptureOn(t *testing.T, watcher *lab.Host) *capture {
	t.Helper()
	c := &capture{}
	stop, err := watcher.Capture(unix.ETH_P_ALL, func(_ time.Time, seen []byte) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.frames = append(c.frames, append(frame(nil), seen...))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// mark returns the place behind all that was seen.
func (c *capture) mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.frames)
}

// since returns the frames from a place on that match.
func (c *capture) since(mark int, match func(frame) bool) (found []frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.frames[mark:] {
		if match(f) {
			found = append(found, f)
		}
	}
	return found
}

// await waits for a frame that matches, and returns it.
func (c *capture) await(t *testing.T, what string, mark int, match func(frame) bool) (found frame) {
	t.Helper()
	eventually(t, "the wire has "+what, func() bool {
		if all := c.since(mark, match); len(all) > 0 {
			found = all[0]
		}
		return found != nil
	})
	return found
}

func (f frame) etherType() uint16 { return binary.BigEndian.Uint16(f[12:]) }

// ipv4 returns header and payload of an IPv4 datagram of that protocol, or ok = false.
func (f frame) ipv4(protocol byte) (header, payload []byte, ok bool) {
	if len(f) < 34 || f.etherType() != unix.ETH_P_IP || f[14+9] != protocol {
		return nil, nil, false
	}
	datagram := f[14 : 14+int(binary.BigEndian.Uint16(f[16:]))]
	length := int(datagram[0]&0x0f) * 4
	return datagram[:length], datagram[length:], true
}

func source(header []byte) netip.Addr { return netip.AddrFrom4([4]byte(header[12:])) }

// advertFrom matches adverts from an address that a further condition holds for.
func advertFrom(address string, is func(message []byte) bool) func(frame) bool {
	return func(f frame) bool {
		header, message, ok := f.ipv4(112)
		return ok && source(header) == netip.MustParseAddr(address) && is(message)
	}
}

func anyAdvert([]byte) bool        { return true }
func priorityZero(msg []byte) bool { return msg[2] == 0 }

// garp matches gratuitous ARP (RFC 5227 §3): sender and target are the address.
func garp(operation uint16, address string) func(frame) bool {
	return func(f frame) bool {
		if len(f) < 42 || f.etherType() != unix.ETH_P_ARP {
			return false
		}
		arp, four := f[14:], netip.MustParseAddr(address).As4()
		return binary.BigEndian.Uint16(arp[6:]) == operation && [4]byte(arp[14:]) == four && [4]byte(arp[24:]) == four
	}
}

const (
	arpRequest = 1
	arpReply   = 2
)

// awaitGARP waits for both forms of it, broadcast, from a host's own hardware address.
func (c *capture) awaitGARP(t *testing.T, h *lab.Host, mark int, address string) {
	t.Helper()
	mac := hardwareAddress(t, h)
	for _, operation := range []uint16{arpRequest, arpReply} {
		f := c.await(t, "gratuitous ARP for "+address+" from "+h.Name(), mark, func(f frame) bool {
			return garp(operation, address)(f) && net.HardwareAddr(f[14+8:14+14]).String() == mac.String()
		})
		if got := net.HardwareAddr(f[:6]).String(); got != "ff:ff:ff:ff:ff:ff" {
			t.Errorf("gratuitous ARP was sent to %s", got)
		}
	}
}

// awaitBothRounds waits until no more gratuitous ARP is due for an address that was taken on once.
func (c *capture) awaitBothRounds(t *testing.T, address string) {
	t.Helper()
	eventually(t, "both rounds of announcements are out", func() bool {
		return len(c.since(0, garp(arpReply, address))) == 2
	})
}

// membership matches an IGMPv3 report about VRRP's group (RFC 3376 §4.2): a record of type 4 joins, one
// of type 3 leaves.
func membership(from string, recordType byte) func(frame) bool {
	return func(f frame) bool {
		header, report, ok := f.ipv4(2)
		if !ok || source(header) != netip.MustParseAddr(from) || report[0] != 0x22 {
			return false
		}
		records := report[8:]
		for range binary.BigEndian.Uint16(report[6:]) {
			if records[0] == recordType && [4]byte(records[4:]) == [4]byte{224, 0, 0, 18} {
				return true
			}
			records = records[8+4*binary.BigEndian.Uint16(records[2:]):]
		}
		return false
	}
}

const (
	joins  = 4
	leaves = 3
)

func hardwareAddress(t *testing.T, h *lab.Host) (mac net.HardwareAddr) {
	t.Helper()
	err := h.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err == nil {
			mac = eth0.HardwareAddr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return mac
}
