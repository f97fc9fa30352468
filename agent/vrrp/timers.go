package vrrp

import (
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// SkewTime is spec.SkewTime of version 3.
func SkewTime(priority uint8, activeInterval time.Duration) time.Duration {
	return spec.SkewTime(spec.VRRPv3, int(priority), activeInterval)
}

// successionTime is how long one who says that it stops waits for another to be heard: twice the Skew_Time
// of the lowest priority, because that of the others is not known.
func successionTime(interval time.Duration) time.Duration { return 2 * SkewTime(1, interval) }

// ActiveDownInterval is spec.ActiveDownInterval of version 3.
func ActiveDownInterval(priority uint8, activeInterval time.Duration) time.Duration {
	return spec.ActiveDownInterval(spec.VRRPv3, int(priority), activeInterval)
}

// SkewTime is that of the router's version and priority.
func (p Parameters) SkewTime(activeInterval time.Duration) time.Duration {
	return spec.SkewTime(int(p.Version), int(p.Priority), activeInterval)
}

// ActiveDownInterval is that of the router's version and priority.
func (p Parameters) ActiveDownInterval(activeInterval time.Duration) time.Duration {
	return spec.ActiveDownInterval(int(p.Version), int(p.Priority), activeInterval)
}
