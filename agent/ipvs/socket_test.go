package ipvs

import (
	"context"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// controlSocket is a socket for the family that every kernel has: that of generic netlink itself.
func controlSocket(t *testing.T, timeout time.Duration) *socket {
	t.Helper()
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		t.Fatal(err)
	}
	c := &socket{netlink: s, timeout: timeout, family: nl.GENL_ID_CTRL, next: 1, inbox: newInbox()}
	t.Cleanup(c.close)
	return c
}

// unanswered is a message that the kernel takes without a word.
func unanswered(c *socket) *request {
	r := c.request()
	r.add(unix.NLMSG_NOOP, 0, 0, 0, nil)
	return r
}

// A reply that is lost must not hold the table for ever, as it does in moby/ipvs.
func TestExchangeWithoutAnAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	c := controlSocket(t, 50*time.Millisecond)
	nothing := func(answer) (bool, error) { t.Error("there is an answer"); return true, nil }
	if err := c.exchange(t.Context(), unanswered(c), nothing); !errors.Is(err, errTimeout) {
		t.Errorf("error is %v, want %v", err, errTimeout)
	}
	c.timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.exchange(ctx, unanswered(c), nothing); !errors.Is(err, errTimeout) {
		t.Errorf("with a deadline in the context the error is %v, want %v", err, errTimeout)
	}
}

func TestSocketWhoseKernelDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	k := NewKernel(KernelConfig{})
	k.socket = controlSocket(t, 50*time.Millisecond)
	err := k.once(t.Context(), func(ctx context.Context) error {
		return k.socket.exchange(ctx, unanswered(k.socket), func(answer) (bool, error) { return true, nil })
	})
	if !errors.Is(err, errTimeout) || k.socket != nil {
		t.Errorf("error is %v, want %v; the socket is kept: %t", err, errTimeout, k.socket != nil)
	}
	if _, err := k.Info(t.Context()); err != nil && !errors.Is(err, ErrUnavailable) {
		t.Errorf("afterwards the error is %v, want none or %v", err, ErrUnavailable)
	}
}

// An answer that came too late is not taken for that to the next request.
func TestAnswerOfAnEarlierRequestIsPassedOver(t *testing.T) {
	t.Parallel()
	c := controlSocket(t, time.Minute)
	late := c.request()
	late.add(nl.GENL_ID_CTRL, unix.NLM_F_ACK, 200, 1, nil)
	if err := unix.Sendto(c.netlink.GetFd(), late.bytes, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	c.next++
	if _, err := c.get(t.Context(), nl.GENL_CTRL_CMD_GETFAMILY, func(e *encoder) { e.text(nl.GENL_CTRL_ATTR_FAMILY_NAME, "nlctrl") }); err != nil {
		t.Errorf("the answer is %v, want the family", err)
	}
}

// Errors come back for each message of a batch, and the acknowledgement of the last stands for the rest.
func TestEachMessageOfABatchHasItsAnswer(t *testing.T) {
	t.Parallel()
	c := controlSocket(t, time.Minute)
	names := []string{"nlctrl", "nosuch", "nlctrl", "nosuch", "nlctrl"}
	r := c.request()
	for _, name := range names {
		if name == "nosuch" {
			r.add(nl.GENL_ID_CTRL, 0, 200, 1, nil) // no such command
			continue
		}
		r.add(unix.NLMSG_NOOP, 0, 0, 0, nil)
	}
	said, err := c.batch(t.Context(), r)
	if err != nil || len(said) != len(names) {
		t.Fatalf("%d answers to %d messages, %v", len(said), len(names), err)
	}
	for i, name := range names {
		if refused := errors.Is(said[i], syscall.EOPNOTSUPP); refused != (name == "nosuch") {
			t.Errorf("message %d, %s: %v", i, name, said[i])
		}
	}
}

func FuzzSplit(f *testing.F) {
	var r request
	r.add(1, 0, 1, 1, nil)
	r.add(1, unix.NLM_F_DUMP, 1, 1, func(e *encoder) { e.text(1, "x") })
	f.Add(r.bytes)
	f.Add(r.bytes[:len(r.bytes)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		seen := 0
		_, _ = (&socket{}).split(data, &request{count: 1 << 20}, func(a answer) (bool, error) {
			seen += unix.NLMSG_HDRLEN + len(a.message)
			return false, a.err()
		})
		if seen > len(data) {
			t.Errorf("%d bytes of messages in %d", seen, len(data))
		}
		if len(data) >= 4 && binary.NativeEndian.Uint32(data) < unix.NLMSG_HDRLEN && seen > 0 {
			t.Error("a message shorter than its header was handed on")
		}
	})
}
