package ipvs

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A whole table is read in two or three short system calls a service. Go's scheduler takes each for one
// that may last, and hands the processor to another thread: that costs more than the call, many times as
// much in a virtual machine. These two do not tell it, and so must not wait.

// sendNow sends to the kernel, which does on the spot what it is asked for: that has to be little.
func sendNow(fd int, b []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// receive returns what is there. Only when nothing is does it wait.
func receive(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if errno == 0 {
		return int(n), nil
	}
	if !errors.Is(errno, unix.EAGAIN) {
		return 0, errno
	}
	got, _, err := unix.Recvfrom(fd, b, 0)
	return got, err
}
