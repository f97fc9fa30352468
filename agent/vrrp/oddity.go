package vrrp

import (
	"slices"
	"sync/atomic"
	"time"
)

// Oddity is something about another router's adverts, accepted or not, that shows its configuration to be
// at odds with ours.
type Oddity string

// The oddities.
const (
	// OddChecksum: an IPv4 checksum with pseudo-header, as keepalived sends by default.
	OddChecksum Oddity = "checksum_rfc5798"
	// OddAddresses: other virtual addresses than ours. Dropping such an advert would make two active
	// routers while a list is changed on one after the other (RFC 9568 §7.1).
	OddAddresses Oddity = "address_list"
	// OddInterval: another interval than ours, which is legal (§7.1).
	OddInterval Oddity = "interval"
	// OddOwner: somebody else owns the addresses that we own (§7.1, erratum 8298).
	OddOwner Oddity = "two_owners"
	// OddVersion: another version of VRRP. Such adverts are dropped (§7.1), so that both may be active.
	OddVersion Oddity = "version"
	// OddAuthentication: another password or type. Such adverts are dropped, too (RFC 3768 §7.1).
	OddAuthentication Oddity = "authentication"
)

const numOddities = 6

func oddities() [numOddities]Oddity {
	return [...]Oddity{OddChecksum, OddAddresses, OddInterval, OddOwner, OddVersion, OddAuthentication}
}

// oddityOf returns what it shows that an advert was dropped, or "".
func oddityOf(drop DropReason) Oddity {
	switch drop {
	case DropVersion:
		return OddVersion
	case DropAuthentication:
		return OddAuthentication
	case DropInterval:
		return OddInterval
	case DropOwner:
		return OddOwner
	}
	return ""
}

// oddityCounts counts by oddity. It is written by the engine's thread and read by anybody.
type oddityCounts [numOddities]atomic.Uint64

func (c *oddityCounts) add(o Oddity) {
	all := oddities()
	if i := slices.Index(all[:], o); i >= 0 {
		c[i].Add(1)
	}
}

func (c *oddityCounts) counts() map[string]uint64 {
	var m map[string]uint64
	for i, o := range oddities() {
		if n := c[i].Load(); n > 0 {
			if m == nil {
				m = map[string]uint64{}
			}
			m[string(o)] = n
		}
	}
	return m
}

// rateLimit lets each thing be said once a minute.
type rateLimit map[string]time.Duration

const sayAgain = time.Minute

func (l rateLimit) allow(what string, now time.Duration) bool {
	if last, said := l[what]; said && now-last < sayAgain {
		return false
	}
	l[what] = now
	return true
}
