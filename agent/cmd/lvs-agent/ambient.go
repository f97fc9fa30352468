package main

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// ambientCapabilities are those that the service manager gave the agent: what takes its place is to have them, too.
func ambientCapabilities() []uintptr {
	var given []uintptr
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if set, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c, 0, 0); err == nil && set == 1 {
			given = append(given, c)
		}
	}
	return given
}

// keepCapabilities takes the capabilities that the service manager gave the agent out of what it hands on: programs it
// starts as another user would have them, too. Its own stay. On all threads, for any of them may start one.
func keepCapabilities() error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0)
	switch {
	case errors.Is(errno, syscall.ENOTSUP): // built with cgo, as tests are: the C library would have to do it
		return nil
	case errno != 0:
		return fmt.Errorf("keep capabilities from the programs that are started: %w", errno)
	}
	return nil
}
