package vrrp

import "time"

// heard is an advert and when it was read.
type heard struct {
	Advert
	at time.Duration
}

// mailbox holds what was heard for a router until its machine is told: of each sender the last advert, in the
// order in which they came. What a sender said before is of no use any more, so that no number of adverts
// from one of them fills it, and those for one router never take the place of another's.
type mailbox struct {
	adverts [mailboxSize]heard
	n       int
}

// mailboxSize is how many senders are heard between two looks of the machine's thread. One is active, and
// few more believe that they are.
const mailboxSize = 8

// put reports whether there was room.
func (m *mailbox) put(a heard) bool {
	for i := range m.n {
		if m.adverts[i].Source == a.Source {
			copy(m.adverts[i:m.n], m.adverts[i+1:m.n])
			m.adverts[m.n-1] = a
			return true
		}
	}
	if m.n == mailboxSize {
		return false
	}
	m.adverts[m.n] = a
	m.n++
	return true
}
