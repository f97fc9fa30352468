package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many messages go out in one system call. Each may be answered by an error, and all
	// answers have to fit into the socket's buffer.
	batchSize = 128
	// batchBuffer is the size of that buffer. An answer is counted with what the kernel needs to keep it.
	batchBuffer = 1 << 20
	// batchPatience bounds the wait for the kernel's answer, which comes before the sending call returns
	// unless it was lost.
	batchPatience = 5 * time.Second
)

// batcher has the kernel do many small things in few system calls: only the last message of a batch asks
// for an acknowledgement, and errors come back for each by themselves.
type batcher struct {
	mu  sync.Mutex
	fd  int
	seq uint32
}

func openBatcher() (*batcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	patience := unix.NsecToTimeval(batchPatience.Nanoseconds())
	err = errors.Join(
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		// An error repeats no more of the message than its header.
		unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1))
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, batchBuffer) != nil {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, batchBuffer)) // as far as net.core.rmem_max goes
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare a netlink socket: %w", err), unix.Close(fd))
	}
	return &batcher{fd: fd}, nil
}

func (b *batcher) close() error { return unix.Close(b.fd) }

// do sends the requests in their order and returns what became of each: nil, or the kernel's errno.
func (b *batcher) do(requests []*nl.NetlinkRequest) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	outcomes := make([]error, len(requests))
	for from := 0; from < len(requests); from += batchSize {
		to := min(from+batchSize, len(requests))
		b.round(requests[from:to], outcomes[from:to])
	}
	return outcomes
}

// round is one batch. Outcomes are nil when it begins.
func (b *batcher) round(requests []*nl.NetlinkRequest, outcomes []error) {
	first := b.seq + 1
	var out []byte
	for i, r := range requests {
		b.seq++
		r.Seq = b.seq
		if i == len(requests)-1 {
			r.Flags |= unix.NLM_F_ACK
		}
		out = append(out, r.Serialize()...)
	}
	failed := func(err error) {
		for i := range outcomes {
			if outcomes[i] == nil {
				outcomes[i] = err
			}
		}
	}
	if err := unix.Sendto(b.fd, out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		failed(fmt.Errorf("send to the kernel: %w", err))
		return
	}
	in := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(b.fd, in, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			// What was done nobody knows; whoever asks for it again finds out.
			failed(fmt.Errorf("wait for the kernel's answer: %w", err))
			return
		}
		if b.answers(in[:n], first, outcomes) {
			return
		}
	}
}

// answers notes what a datagram says, and returns true when the last request has been answered. Answers to
// a batch that was given up on are passed over.
func (b *batcher) answers(datagram []byte, first uint32, outcomes []error) (complete bool) {
	const head, errno = unix.SizeofNlMsghdr, 4
	for len(datagram) >= head+errno {
		length := binary.NativeEndian.Uint32(datagram)
		kind, seq := binary.NativeEndian.Uint16(datagram[4:]), binary.NativeEndian.Uint32(datagram[8:])
		if i := seq - first; kind == unix.NLMSG_ERROR && i < uint32(len(outcomes)) {
			if code := -int32(binary.NativeEndian.Uint32(datagram[head:])); code != 0 {
				outcomes[i] = unix.Errno(code)
			}
			complete = complete || i == uint32(len(outcomes)-1)
		}
		aligned := min(max(int(length+3)&^3, head), len(datagram))
		datagram = datagram[aligned:]
	}
	return complete
}

// addressRequest is RTM_NEWADDR or RTM_DELADDR of an address on an interface.
func addressRequest(kind, flags, index int, a *netlink.Addr) *nl.NetlinkRequest {
	family := nl.GetIPFamily(a.IP)
	head := nl.NewIfAddrmsg(family)
	bits, _ := a.Mask.Size()
	head.Index, head.Prefixlen, head.Scope = uint32(index), uint8(bits), uint8(a.Scope)
	ip := []byte(a.IP.To4())
	if family == unix.AF_INET6 {
		ip = a.IP.To16()
	}
	r := nl.NewNetlinkRequest(kind, flags)
	r.AddData(head)
	r.AddData(nl.NewRtAttr(unix.IFA_LOCAL, ip))
	r.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, ip))
	if a.Flags != 0 {
		r.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(uint32(a.Flags))))
	}
	if a.ValidLft > 0 || a.PreferedLft > 0 {
		var times nl.IfaCacheInfo
		times.Valid, times.Prefered = uint32(a.ValidLft), uint32(a.PreferedLft) //nolint:misspell // the kernel's spelling
		r.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, times.Serialize()))
	}
	return r
}
