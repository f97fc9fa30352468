package wiretest

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// advert is one that the switch flooded.
type advert struct {
	at       time.Time
	source   netip.Addr
	vrid     uint8
	priority uint8
}

// capture sees all adverts.
type capture struct {
	mu      sync.Mutex
	adverts []advert
}

func startCapture(t *testing.T, n *lab.Network) *capture {
	t.Helper()
	watcher := n.Host(t, "watcher", "192.0.2.250/24")
	c := &capture{}
	stop, err := watcher.Capture(unix.ETH_P_IP, c.take)
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

func (c *capture) take(at time.Time, frame []byte) {
	const ethernet, protocolAt, vrrp = 14, 9, 112
	if len(frame) < ethernet+20 || frame[ethernet+protocolAt] != vrrp {
		return
	}
	datagram := frame[ethernet:]
	message := datagram[int(datagram[0]&0x0f)*4:]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.adverts = append(c.adverts, advert{at, netip.AddrFrom4([4]byte(datagram[12:])), message[1], message[2]})
}

// of returns the adverts of a virtual router.
func (c *capture) of(vrid uint8) (found []advert) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.adverts {
		if a.vrid == vrid {
			found = append(found, a)
		}
	}
	return found
}

// longestGap is the longest time between two adverts that followed one another.
func longestGap(adverts []advert) (longest time.Duration) {
	for i := 1; i < len(adverts); i++ {
		longest = max(longest, adverts[i].at.Sub(adverts[i-1].at))
	}
	return longest
}
