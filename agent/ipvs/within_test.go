package ipvs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A reply that is lost must not hold the table for ever, as it does in moby/ipvs: a call ends when its
// socket is closed, and not before.
func TestCallWithoutAnAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		lost := func() error { <-closed; return errors.New("socket closed") }
		start := time.Now()
		err := within(t.Context(), 10*time.Second, lost, func() { close(closed) })
		if !errors.Is(err, errTimeout) || time.Since(start) != 10*time.Second {
			t.Errorf("error after %v is %v, want %v after 10s", time.Since(start), err, errTimeout)
		}
	})
}

func TestCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		closed := make(chan struct{})
		err := within(ctx, time.Hour, func() error { <-closed; return nil }, func() { close(closed) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestSocketWhoseKernelDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		t.Fatal(err)
	}
	k := NewKernel(KernelConfig{})
	k.socket = &socket{handle: &nl.SocketHandle{Socket: s}, timeout: -time.Second, family: nl.GENL_ID_CTRL}
	if _, err := k.Info(t.Context()); !errors.Is(err, errTimeout) {
		t.Errorf("error is %v, want %v", err, errTimeout)
	}
	if k.socket != nil {
		t.Error("the socket is kept")
	}
	if _, err := k.Info(t.Context()); err != nil && !errors.Is(err, ErrUnavailable) {
		t.Errorf("afterwards the error is %v, want none or %v", err, ErrUnavailable)
	}
}
