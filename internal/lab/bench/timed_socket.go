package bench

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// TimedSocket opens a raw IPv4 socket whose datagrams carry the kernel's time of arrival, so that the
// scheduler is no part of what is measured.
func TimedSocket(protocol int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// TimedTap opens a socket on an interface that gets the IPv4 datagrams of a protocol, those that leave included, from their
// IP header on: what leaves has the time at which the sender handed it over.
func TimedTap(name string, protocol byte) (fd int, err error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	const load, mask, equal, verdict = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{ // the version is in the upper half of the first byte, the protocol in the tenth
		{Code: load, K: 0}, {Code: mask, K: 0xf0}, {Code: equal, K: 4 << 4, Jf: 3},
		{Code: load, K: 9}, {Code: equal, K: uint32(protocol), Jf: 1},
		{Code: verdict, K: 1 << 16}, {Code: verdict},
	}
	// With another protocol than ETH_P_ALL, in the order of the network, what leaves is not seen.
	err = errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}), Ifindex: iface.Index}))
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// HearOnly has the kernel keep from an IPv4 socket what others than these send, so that a flood is not the
// reader's burden.
func HearOnly(fd int, sources ...netip.Addr) error {
	const source = 12 // where it is in an IPv4 header
	const load, equal, verdict = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{{Code: load, K: source}}
	for i, s := range sources {
		four := s.As4()
		program = append(program, unix.SockFilter{Code: equal, Jt: uint8(len(sources) - i), K: binary.BigEndian.Uint32(four[:])})
	}
	program = append(program, unix.SockFilter{Code: verdict}, unix.SockFilter{Code: verdict, K: 1 << 16})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// ReceiveTimed hands every datagram over, on a thread of its own, until the socket is shut down.
func ReceiveTimed(fd int, take func(at time.Time, datagram []byte)) {
	runtime.LockOSThread() // never unlocked: its priority ends with it
	Hurry()
	buf, control := make([]byte, 2048), make([]byte, 128)
	for {
		n, oob, _, _, err := unix.Recvmsg(fd, buf, control, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n < 20:
			return
		}
		if at, ok := arrival(control[:oob]); ok {
			take(at, buf[:n])
		}
	}
}

func arrival(control []byte) (at time.Time, ok bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range messages {
		if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) == 16 { // struct timespec
			word := binary.NativeEndian.Uint64
			return time.Unix(int64(word(m.Data)), int64(word(m.Data[8:]))), true
		}
	}
	return time.Time{}, false
}

// Hurry puts the calling thread before all ordinary load. Where that is refused the figures are less exact.
func Hurry() {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 10,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
}
