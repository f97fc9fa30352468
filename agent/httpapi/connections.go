package httpapi

import (
	order "container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// connections bounds how many a listener has. When there are too many, the one makes room that has been open for longest
// without a request, or else the one that has been at rest for longest after its last: so nobody keeps others out by
// saying nothing. One with a request under way is left alone.
type connections struct {
	limit *atomic.Int64 // 0 is none
	log   *slog.Logger

	mu sync.Mutex
	// silent have had no request yet, resting have; both in the order in which they became so. All others are busy.
	silent, resting order.List
	all             map[net.Conn]*place
}

// place is where a connection is: in one of the lists, or in none while it is busy.
type place struct {
	in *order.List
	at *order.Element
}

func newConnections(limit *atomic.Int64, log *slog.Logger) *connections {
	return &connections{limit: limit, log: log, all: map[net.Conn]*place{}}
}

// changed is told of every connection's state (http.Server.ConnState).
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if limit := int(c.limit.Load()); limit > 0 && len(c.all) >= limit && !c.makeRoom() {
			c.log.Warn("refused a connection: all that there may be have requests under way", "limit", c.limit.Load())
			closeNow(conn)
			return
		}
		c.all[conn] = &place{}
		c.put(conn, &c.silent)
	case http.StateActive:
		c.put(conn, nil)
	case http.StateIdle:
		c.put(conn, &c.resting)
	case http.StateClosed, http.StateHijacked:
		c.put(conn, nil)
		delete(c.all, conn)
	}
}

// put moves a connection to the end of a list, or to none.
func (c *connections) put(conn net.Conn, in *order.List) {
	p := c.all[conn]
	if p == nil {
		return // it made room already
	}
	if p.in != nil {
		p.in.Remove(p.at)
	}
	if p.in = in; in != nil {
		p.at = in.PushBack(conn)
	}
}

// makeRoom closes the connection that has said nothing for longest and reports whether there was one.
func (c *connections) makeRoom() bool {
	for _, from := range []*order.List{&c.silent, &c.resting} {
		if first := from.Front(); first != nil {
			conn, _ := first.Value.(net.Conn)
			c.put(conn, nil)
			delete(c.all, conn)
			closeNow(conn)
			c.log.Warn("closed a connection that said nothing, to make room for another", "source", conn.RemoteAddr().String(), "limit", c.limit.Load())
			return true
		}
	}
	return false
}

// closeNow closes a connection without a word to the other side, who may not be listening.
func closeNow(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close() // it is of no use any more, however that went
}
