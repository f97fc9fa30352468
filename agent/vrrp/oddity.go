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

// remedy says what an oddity leads to, and how to mend it.
func (o Oddity) remedy() string {
	switch o {
	case OddChecksum:
		return `another router has IPv4 checksums cover a pseudo-header, as keepalived does; it may drop ours, and then both are active: set checksum_compatibility = "rfc5798" as long as it takes part`
	case OddAddresses:
		return "another router has other virtual_addresses: give both the same; keepalived up to 2.3.2 drops adverts with another list, and then both are active"
	case OddInterval:
		return "another router has another advertisement_interval: give both the same; in version 2 its adverts are dropped, and then both are active"
	case OddOwner:
		return "another router has priority 255, too: only one can own the virtual addresses"
	case OddVersion:
		return "another router speaks another version of VRRP; its adverts are dropped, and then both are active: set version to the same"
	case OddAuthentication:
		return "another router has another auth_pass, or none; its adverts are dropped, and then both are active: give both the same"
	}
	return ""
}

// oddityCounts counts by oddity. It is written by who reads from the port, and read by anybody.
type oddityCounts [numOddities]struct {
	count atomic.Uint64
	// warned is the reading of the clock when the user was last to be told, 0 when never.
	warned atomic.Int64
}

func (c *oddityCounts) add(o Oddity) {
	all := oddities()
	if i := slices.Index(all[:], o); i >= 0 {
		c[i].count.Add(1)
	}
}

// warnedOf is how long the user is told of an oddity. It is long, because whoever drops our adverts may hardly send any:
// each of them puts off keepalived's next one.
const warnedOf = time.Hour

// warn has the user told of an oddity for a while.
func (c *oddityCounts) warn(o Oddity, now time.Duration) {
	all := oddities()
	if i := slices.Index(all[:], o); i >= 0 {
		c[i].warned.Store(int64(now))
	}
}

// warnings are the oddities that the user is to be told of, each with its remedy.
func (c *oddityCounts) warnings(now time.Duration) (all []string) {
	for i, o := range oddities() {
		if last := time.Duration(c[i].warned.Load()); last != 0 && now-last < warnedOf {
			all = append(all, string(o)+": "+o.remedy())
		}
	}
	return all
}

func (c *oddityCounts) counts() map[string]uint64 {
	var m map[string]uint64
	for i, o := range oddities() {
		if n := c[i].count.Load(); n > 0 {
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
