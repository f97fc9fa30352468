package agent

import (
	"net"

	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi"
)

// sockets are the listening sockets of an agent. The process that takes its place inherits them, so that no connection
// is refused in between.
type sockets struct {
	all []handover.Listener
	// from has those of the process whose place is taken; nil where there is none.
	from *handover.Predecessor
}

// open opens the socket of an address, host:port or unix:///path, or takes over the one that is open.
func (s *sockets) open(purpose, address string) (l net.Listener, err error) {
	name, there := purpose+" "+address, false
	if s.from != nil {
		l, there = s.from.Listener(name)
	}
	if !there {
		if l, err = httpapi.Open(address); err != nil {
			return nil, err
		}
	}
	s.all = append(s.all, handover.Listener{Name: name, Listener: l})
	return l, nil
}

// keep has the files of unix sockets removed when the agent stops.
func (s *sockets) keep() { s.unlink(true) }

// leave leaves them: another process listens there.
func (s *sockets) leave() { s.unlink(false) }

func (s *sockets) unlink(atTheEnd bool) {
	for _, l := range s.all {
		if u, ok := l.Listener.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(atTheEnd)
		}
	}
}
