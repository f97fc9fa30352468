package ipvs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
)

// KernelConfig says which table a Kernel is.
type KernelConfig struct {
	// Namespace is the path of a network namespace, /run/netns/d1. Empty is that of the calling
	// thread.
	Namespace string
	// Timeout is how long the kernel may take to answer one call, unless the context's deadline is
	// nearer. 0 is 10 s.
	Timeout time.Duration
}

// The kernel answers in microseconds, but may have to load a scheduler's module first.
const defaultTimeout = 10 * time.Second

// Kernel is the table of the running kernel. It may be used by several goroutines; one call is under
// way at a time.
type Kernel struct {
	namespace string
	timeout   time.Duration

	mu       sync.Mutex
	socket   *socket // nil while there is none
	services services
}

// NewKernel returns the kernel's table. It opens nothing: each call does what is needed, so that a
// module that is loaded later is noticed.
func NewKernel(c KernelConfig) *Kernel {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &Kernel{namespace: c.Namespace, timeout: c.Timeout}
}

// Close gives the sockets back. A call after it opens them again.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.disconnect()
	return nil
}

// Info returns the version of the kernel's IPVS, such as 1.2.1, or ErrUnavailable.
func (k *Kernel) Info(ctx context.Context) (version string, err error) {
	err = k.read(ctx, func(ctx context.Context) error {
		answer, err := k.socket.get(ctx, commandInfo)
		if err != nil {
			return err
		}
		version, err = decodeInfo(answer)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask for the version of IPVS: %w", err)
	}
	return version, nil
}

// Read returns the table as it is, everybody's services included, and what the kernel counts.
func (k *Kernel) Read(ctx context.Context) (table Table, stats Stats, err error) {
	err = k.read(ctx, func(ctx context.Context) error {
		table, stats, err = k.socket.readTable(ctx)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the IPVS table: %w", err)
	}
	return table, stats, nil
}

// Apply carries the operations out, one after the other. One that fails does not stop the others; the
// errors are joined, each an *Error. What is there already is edited, and what is gone already need
// not be deleted. Writes is the number of messages sent that change something.
func (k *Kernel) Apply(ctx context.Context, ops []Op) (writes int, err error) {
	if len(ops) == 0 {
		return 0, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.connect(ctx); err != nil {
		return 0, fmt.Errorf("change the IPVS table: %w", err)
	}
	return applyAll(ops, func(op Op) (int, error) {
		err := k.write(ctx, op)
		switch {
		case op.Action == AddService && errors.Is(err, syscall.EEXIST):
			op.Action = EditService
			return 2, k.write(ctx, op)
		case op.Action == AddDestination && errors.Is(err, syscall.EEXIST):
			op.Action = EditDestination
			return 2, k.write(ctx, op)
		case op.Action == DeleteService && errors.Is(err, syscall.ESRCH),
			op.Action == DeleteDestination && (errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT)):
			return 1, nil
		}
		return 1, err
	})
}

// write carries one operation out as it is.
func (k *Kernel) write(ctx context.Context, op Op) error {
	return k.once(ctx, func(ctx context.Context) error {
		switch op.Action {
		case AddService, EditService, DeleteService:
			if err := k.services.open(k.namespace, k.socket.family); err != nil {
				return err
			}
			return k.services.write(ctx, k.timeout, op)
		case AddDestination:
			return k.socket.call(ctx, commandAddDestination, keyAttribute(op.Service), destinationAttribute(op.Server, op.Destination))
		case EditDestination:
			return k.socket.call(ctx, commandEditDestination, keyAttribute(op.Service), destinationAttribute(op.Server, op.Destination))
		case DeleteDestination:
			return k.socket.call(ctx, commandDeleteDestination, keyAttribute(op.Service), destinationAttribute(op.Server, Destination{}))
		}
		return errors.ErrUnsupported
	})
}

// read does something that changes nothing. A family that is no longer there, as after the module was
// unloaded, is looked for again.
func (k *Kernel) read(ctx context.Context, do func(context.Context) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.once(ctx, do)
	if errors.Is(err, syscall.ENOENT) {
		k.disconnect()
		err = k.once(ctx, do)
	}
	return err
}

// once does something with a socket. One whose kernel does not answer is given up, since the answer
// may come yet.
func (k *Kernel) once(ctx context.Context, do func(context.Context) error) error {
	if err := k.connect(ctx); err != nil {
		return err
	}
	err := do(ctx)
	if _, answered := errors.AsType[syscall.Errno](err); err != nil && !answered {
		k.disconnect()
	}
	return err
}

// connect opens the socket if there is none.
func (k *Kernel) connect(ctx context.Context) error {
	if k.socket != nil {
		return nil
	}
	namespace := netns.None()
	if k.namespace != "" {
		var err error
		if namespace, err = netns.GetFromPath(k.namespace); err != nil {
			return fmt.Errorf("open network namespace %s: %w", k.namespace, err)
		}
		defer func() { _ = namespace.Close() }()
	}
	s, err := openSocket(ctx, namespace, k.timeout)
	if err != nil {
		return err
	}
	k.socket = s
	return nil
}

func (k *Kernel) disconnect() {
	if k.socket != nil {
		k.socket.close()
		k.socket = nil
	}
	k.services.close()
}

// readTable dumps the services and, for each, its destinations: the kernel has no command for all. A
// service that goes meanwhile has none, and the next reading misses it.
func (c *socket) readTable(ctx context.Context) (Table, Stats, error) {
	answers, err := c.dump(ctx, commandGetService)
	if err != nil {
		return nil, nil, fmt.Errorf("read services: %w", err)
	}
	table, stats := make(Table, len(answers)), Stats{}
	for _, answer := range answers {
		key, options, err := decodeService(answer)
		if err != nil {
			return nil, nil, err
		}
		service := Service{Options: options, Destinations: map[netip.AddrPort]Destination{}}
		if err := c.readDestinations(ctx, key, service, stats); err != nil {
			return nil, nil, fmt.Errorf("read destinations of %s: %w", key, err)
		}
		table[key] = service
	}
	return table, stats, nil
}

func (c *socket) readDestinations(ctx context.Context, key ServiceKey, service Service, stats Stats) error {
	answers, err := c.dump(ctx, commandGetDestination, nl.NetlinkRequestData(keyAttribute(key)))
	if err != nil {
		return err
	}
	for _, answer := range answers {
		server, destination, connections, err := decodeDestination(answer, key.Family())
		if err != nil {
			return err
		}
		service.Destinations[server] = destination
		stats[DestinationKey{Service: key, Address: server}] = connections
	}
	return nil
}
