package vrrp

import "time"

// SkewTime is how much longer than others a router of that priority waits, so that the best one is
// first (RFC 9568 §6.1). It is kept finer than a centisecond.
func SkewTime(priority uint8, activeInterval time.Duration) time.Duration {
	return time.Duration(256-int(priority)) * activeInterval / 256
}

// ActiveDownInterval is how long a backup hears nothing before it takes over (RFC 9568 §6.1).
func ActiveDownInterval(priority uint8, activeInterval time.Duration) time.Duration {
	return 3*activeInterval + SkewTime(priority, activeInterval)
}
