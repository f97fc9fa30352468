package link

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
)

const (
	// watchAgain is the pause before subscribing anew. The library ends a subscription at any error, an
	// overflow of the socket's buffer included.
	watchAgain = time.Second
	// watchQueue is how many events may wait between the library's goroutine and ours.
	watchQueue = 64
)

// Watch calls changed whenever an interface or an address may have changed, until ctx ends. Events may
// get lost, so changed is a hint to look, and is called as well when some may have been. It returns an
// error when the kernel's events cannot be had at all.
func (k *Kernel) Watch(ctx context.Context, changed func()) error {
	for first := true; ctx.Err() == nil; first = false {
		if err := subscribe(ctx, changed); err != nil && first {
			return err
		}
		changed()
		select {
		case <-ctx.Done():
		case <-time.After(watchAgain):
		}
	}
	return nil
}

// subscribe passes events on until one of the subscriptions ends.
func subscribe(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	links := make(chan netlink.LinkUpdate, watchQueue)
	if err := netlink.LinkSubscribe(links, ctx.Done()); err != nil {
		return fmt.Errorf("subscribe to changes of interfaces: %w", err)
	}
	addresses := make(chan netlink.AddrUpdate, watchQueue)
	if err := netlink.AddrSubscribe(addresses, ctx.Done()); err != nil {
		cancel()
		drain(links)
		return fmt.Errorf("subscribe to changes of addresses: %w", err)
	}
	for open := true; open; {
		select {
		case _, open = <-links:
		case _, open = <-addresses:
		}
		changed()
	}
	cancel()
	drain(links)
	drain(addresses)
	return nil
}

// drain reads until the library's goroutine has ended: it would wait for ever to hand over an event.
func drain[T any](events <-chan T) {
	for range events {
		continue
	}
}
