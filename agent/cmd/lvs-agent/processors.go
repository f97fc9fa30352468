package main

import (
	"os"
	"runtime"
)

// spareProcessors is how many more than the machine's cores Go's scheduler gets to work with.
const spareProcessors = 4

// leaveRoomForAdverts sees to it that the thread that sends adverts never queues for one of the
// scheduler's processors. Coming back from a system call it needs a free one, and where busy goroutines
// have them all it would wait until one of those is preempted, which takes 10 ms: an advert interval.
// Whoever sets GOMAXPROCS has decided himself.
func leaveRoomForAdverts() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
}
