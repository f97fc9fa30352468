package check

import (
	"maps"
	"net/netip"
)

// Presence knows where virtual addresses are.
type Presence interface {
	// Elsewhere returns the virtual addresses that this director might have in service and has not. It may call
	// the Checker.
	Elsewhere() map[netip.Addr]bool
}

// Trigger says that virtual addresses may have come or gone. It does not wait.
func (c *Checker) Trigger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = true
	c.hint()
}

// look has servers checked whose services have come here, and leaves alone those whose services have gone.
func (c *Checker) look() {
	c.mu.Lock()
	moved := c.moved && c.present != nil
	c.moved = false
	c.mu.Unlock()
	if !moved {
		return
	}
	away := c.present.Elsewhere() // without the lock, for it may wait for somebody who asks for a verdict
	var news news
	c.mu.Lock()
	if !maps.Equal(away, c.elsewhere) {
		c.elsewhere = away
		for _, t := range c.servers.All() {
			c.follow(t, &news)
		}
	}
	c.mu.Unlock()
	news.tell(c)
}

// follow pauses or resumes the checks of a server.
func (c *Checker) follow(t *target, n *news) {
	if t.want == nil || !t.want.only.IsValid() || t.paused == c.elsewhere[t.want.only] {
		return
	}
	before := t.verdict()
	if t.paused {
		t.resume()
		c.check(t)
	} else {
		c.stop(t)
		t.pause()
	}
	if t.verdict() != before {
		n.add(t.id)
	}
}
