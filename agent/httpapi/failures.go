package httpapi

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failureWindow is the time over which refused requests are counted.
	failureWindow = time.Minute
	// maxFailures is how many of them a source is told the reason of, and the log. A person's mistakes are fewer.
	maxFailures = 20
	// maxSources bounds the memory of it. With more of them a new window begins for all.
	maxSources = 10_000
)

// failures counts refused requests by source, so that nobody fills the log, and who tries tokens soon learns no more than
// that. It does not slow him down: each token is looked at, or he could lock others out. What keeps tokens from being
// guessed is their length.
type failures struct {
	mu    sync.Mutex
	since time.Time
	by    map[string]int
}

func newFailures() *failures { return &failures{by: map[string]int{}} }

// add counts one and reports whether it is among those that are explained.
func (f *failures) add(source string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := network(source)
	if now.Sub(f.since) >= failureWindow || len(f.by) >= maxSources {
		f.since, f.by = now, map[string]int{}
	}
	f.by[key]++
	return f.by[key] <= maxFailures
}

// network is what one sender can have addresses of: of IPv6 a /64.
func network(source string) string {
	address, err := netip.ParseAddr(source)
	if err != nil || address.Unmap().Is4() {
		return source
	}
	prefix, err := address.WithZone("").Prefix(64)
	if err != nil {
		return source
	}
	return prefix.String()
}
