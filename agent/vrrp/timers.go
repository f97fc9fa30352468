package vrrp

import "time"

// SkewTime is how much longer than others a router of that priority waits, so that the best one is
// first (RFC 9568 §6.1). It is kept finer than a centisecond.
func SkewTime(priority uint8, activeInterval time.Duration) time.Duration {
	return time.Duration(256-int(priority)) * activeInterval / 256
}

// successionTime is how long one who says that it stops waits for another to be heard: twice the Skew_Time
// of the lowest priority, because that of the others is not known.
func successionTime(interval time.Duration) time.Duration { return 2 * SkewTime(1, interval) }

// ActiveDownInterval is how long a backup hears nothing before it takes over (RFC 9568 §6.1).
func ActiveDownInterval(priority uint8, activeInterval time.Duration) time.Duration {
	return 3*activeInterval + SkewTime(priority, activeInterval)
}

// SkewTime is that of the router's version: version 2's does not grow with the interval (RFC 3768 §6.1).
func (p Parameters) SkewTime(activeInterval time.Duration) time.Duration {
	if p.Version == Version2 {
		activeInterval = time.Second
	}
	return SkewTime(p.Priority, activeInterval)
}

// ActiveDownInterval is that of the router's version.
func (p Parameters) ActiveDownInterval(activeInterval time.Duration) time.Duration {
	return 3*activeInterval + p.SkewTime(activeInterval)
}
