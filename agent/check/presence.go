package check

import (
	"context"
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
	select {
	case c.moves <- struct{}{}:
	default: // it was told already
	}
}

// followPresence looks when addresses move, until the context ends. To say where they are takes as long as it takes, and
// no check waits for that.
func (c *Checker) followPresence(ctx context.Context) {
	for {
		c.look()
		select {
		case <-ctx.Done():
			return
		case <-c.moves:
		}
	}
}

// look has servers checked whose services have come here, and leaves alone those whose services have gone. Of two
// looks the later one knows better, so they come one after the other.
func (c *Checker) look() {
	c.looking <- struct{}{}
	defer func() { <-c.looking }()
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
		c.hint()
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
