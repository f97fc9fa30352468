package vrrp

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic reads the clock that never steps and that counts the time a machine was suspended: an active
// router that was asleep must notice that it was.
func monotonic() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("vrrp: no CLOCK_BOOTTIME: " + err.Error()) // Linux has had it since 2.6.39
	}
	return time.Duration(ts.Nano())
}
