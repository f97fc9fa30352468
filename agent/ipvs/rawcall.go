package ipvs

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A whole table is read in two short system calls a service. Go's scheduler takes each for one that may last, and
// hands the processor to another thread: that costs more than the call, many times as much in a virtual machine.
// These two do not tell it, and so must not wait.

// sendNow sends to the kernel, which does on the spot what it is asked for: that has to be little.
func sendNow(fd int, b []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

const (
	// The kernel fills up to 32 KB at once (netlink_recvmsg), if there is room for it.
	receiveBytes = 64 << 10
	// The last piece of a dump and the message that it was the last come together.
	receivePieces = 2
)

// inbox is where pieces of answers are received, several in one system call.
type inbox struct {
	pieces  [receivePieces][]byte
	vectors [receivePieces]unix.Iovec
	headers [receivePieces]struct {
		unix.Msghdr
		received uint32
	}
	got [receivePieces][]byte
}

func newInbox() *inbox {
	b := &inbox{}
	for i := range b.pieces {
		b.pieces[i] = make([]byte, receiveBytes)
		b.vectors[i].Base = &b.pieces[i][0]
		b.vectors[i].SetLen(receiveBytes)
		b.headers[i].Iov = &b.vectors[i]
		b.headers[i].SetIovlen(1)
	}
	return b
}

// receive returns what is there, until the next call. Only when nothing is does it wait, for one piece.
func (b *inbox) receive(fd int) (pieces [][]byte, err error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers)), receivePieces, unix.MSG_DONTWAIT, 0, 0)
	if errno == 0 {
		for i := range n {
			b.got[i] = b.pieces[i][:b.headers[i].received]
		}
		return b.got[:n], nil
	}
	if !errors.Is(errno, unix.EAGAIN) {
		return nil, errno
	}
	length, _, err := unix.Recvfrom(fd, b.pieces[0], 0)
	if err != nil {
		return nil, err
	}
	b.got[0] = b.pieces[0][:length]
	return b.got[:1], nil
}
