package ipvs

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/ipvs"
)

// services writes services through moby/ipvs, whose calls wait without end for a reply that was lost.
type services struct {
	handle *ipvs.Handle
	// family is the one that this process's moby/ipvs has. It looks once and keeps it for good.
	family uint16
}

// open makes the handle ready. The family has to be known: see the package comment.
func (s *services) open(namespace string, family uint16) error {
	if s.family == 0 {
		s.family = family
	}
	if s.family != family {
		return fmt.Errorf("the kernel's IPVS module was unloaded and loaded again: restart this process")
	}
	if s.handle != nil {
		return nil
	}
	handle, err := ipvs.New(namespace)
	if err != nil {
		return fmt.Errorf("open netlink socket for services: %w", err)
	}
	s.handle = handle
	return nil
}

func (s *services) close() {
	if s.handle != nil {
		s.handle.Close()
		s.handle = nil
	}
}

// write adds, edits or deletes a service. When the kernel does not answer, the handle is closed, which
// ends the call that waits on it.
func (s *services) write(ctx context.Context, timeout time.Duration, op Op) error {
	handle := s.handle
	return within(ctx, timeout, func() error { return write(handle, op) }, s.close)
}

// within returns what do returns, or gives up after the timeout or with the context. Do may go on a
// while, so it must not use what its caller may change.
func within(ctx context.Context, timeout time.Duration, do func() error, giveUp func()) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		giveUp()
		return context.Cause(ctx)
	}
}

func write(h *ipvs.Handle, op Op) error {
	switch op.Action {
	case AddService:
		return h.NewService(mobyService(op.Service, op.Options))
	case EditService:
		return h.UpdateService(mobyService(op.Service, op.Options))
	}
	return h.DelService(mobyService(op.Service, op.Options))
}

func mobyService(k ServiceKey, o Options) *ipvs.Service {
	s := &ipvs.Service{
		AddressFamily: uint16(k.Family()),
		FWMark:        k.FirewallMark,
		Protocol:      uint16(k.Protocol),
		Address:       k.Address.Addr().AsSlice(),
		Port:          k.Address.Port(),
		SchedName:     o.Scheduler,
		Flags:         uint32(o.Flags),
		Timeout:       o.Persistence.Timeout,
		Netmask:       netmask(o.Persistence, k.Family()),
		PEName:        o.Persistence.Engine,
	}
	if o.Persistence != (Persistence{}) {
		s.Flags |= flagPersistent
	}
	return s
}
