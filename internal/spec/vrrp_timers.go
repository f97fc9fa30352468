package spec

import "time"

// SkewTime is how much longer than others a router of that priority waits, so that the best one is first. It
// is a part of the active router's interval (RFC 9568 §6.1), in version 2 of a second (RFC 3768 §6.1), and
// kept finer than a centisecond.
func SkewTime(version, priority int, activeInterval time.Duration) time.Duration {
	if version == VRRPv2 {
		activeInterval = time.Second
	}
	return time.Duration(256-priority) * activeInterval / 256
}

// ActiveDownInterval is how long a backup of that priority hears nothing before it takes over: three
// intervals of the active router and its own Skew_Time (RFC 9568 §6.1).
func ActiveDownInterval(version, priority int, activeInterval time.Duration) time.Duration {
	return 3*activeInterval + SkewTime(version, priority, activeInterval)
}
