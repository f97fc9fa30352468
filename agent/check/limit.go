package check

import "golang.org/x/sys/unix"

const (
	// perRound is how many descriptors a round takes at the same time, more or less: a connection, or the
	// pipes of a script.
	perRound = 2
	// reserved are the descriptors for the rest of the process.
	reserved = 256
	// fewest is how many rounds may go on at once however few descriptors there are.
	fewest = 64
)

// defaultLimit is how many rounds this process has descriptors for. Checks that hang wait for nothing but
// their timeout, and should never be as many: what is due then would wait for one of them to be over.
func defaultLimit() int {
	var descriptors unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &descriptors); err != nil {
		return fewest
	}
	return limitOf(descriptors.Cur)
}

func limitOf(descriptors uint64) int {
	return max(fewest, (int(min(descriptors, 1<<20))-reserved)/perRound)
}
