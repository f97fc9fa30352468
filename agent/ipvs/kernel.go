package ipvs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

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

	mu     sync.Mutex
	socket *socket // nil while there is none
}

// NewKernel returns the kernel's table. It opens nothing: each call does what is needed, so that a
// module that is loaded later is noticed.
func NewKernel(c KernelConfig) *Kernel {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &Kernel{namespace: c.Namespace, timeout: c.Timeout}
}

// Close gives the socket back. A call after it opens it again.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.disconnect()
	return nil
}

// Info returns the version of the kernel's IPVS, such as 1.2.1, or ErrUnavailable.
func (k *Kernel) Info(ctx context.Context) (version string, err error) {
	err = k.read(ctx, func(ctx context.Context) error {
		answer, err := k.socket.get(ctx, commandInfo, nil)
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

// Read returns the table as it is, everybody's services included, and what the kernel counts. What a service holds may
// be shared with what was read before, and is not written to.
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

// ReadServices returns the part of the table that has these keys. A service that is not in the kernel's
// table is not in the part, either. What a service holds may be shared, as Read's.
func (k *Kernel) ReadServices(ctx context.Context, keys ...ServiceKey) (table Table, stats Stats, err error) {
	err = k.read(ctx, func(ctx context.Context) error {
		table, stats = Table{}, Stats{}
		for _, key := range keys {
			if err := k.socket.readService(ctx, key, table, stats); err != nil {
				return fmt.Errorf("read %s: %w", key, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the IPVS table: %w", err)
	}
	return table, stats, nil
}

// Apply carries the operations out, in order and many in one send. One that fails does not stop the
// others; the errors are joined, each an *Error. What is there already is edited, and what is gone
// already need not be deleted. Writes is the number of messages sent that change something.
func (k *Kernel) Apply(ctx context.Context, ops []Op) (writes int, err error) {
	if len(ops) == 0 {
		return 0, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.connect(ctx); err != nil {
		return 0, fmt.Errorf("change the IPVS table: %w", err)
	}
	return applyAll(ops, func(ops []Op) ([]error, error) { return k.send(ctx, ops) })
}

// batchBytes is how much is sent at once. The kernel takes all of a send in one piece of memory.
const batchBytes = 32 << 10

// send carries operations out, see sender.
func (k *Kernel) send(ctx context.Context, ops []Op) (said []error, err error) {
	for len(ops) > 0 {
		var part []error
		if err := k.once(ctx, func(ctx context.Context) error {
			part, err = k.socket.write(ctx, ops)
			return err
		}); err != nil {
			return said, err
		}
		said, ops = append(said, part...), ops[len(part):]
		if slices.ContainsFunc(part, func(err error) bool { return errors.Is(err, syscall.EPERM) }) {
			break
		}
	}
	return said, nil
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
}

// write sends as many of the operations as go into one batch, at least one, and returns what was said
// to each of those.
func (c *socket) write(ctx context.Context, ops []Op) (said []error, err error) {
	r := c.request()
	for _, op := range ops {
		r.add(c.family, 0, op.command(), familyVersion, op.encode)
		if len(r.bytes) > batchBytes {
			break
		}
	}
	said, err = c.batch(ctx, r)
	if err != nil || !slices.ContainsFunc(said, func(err error) bool { return errors.Is(err, syscall.ENOENT) }) {
		return said, err
	}
	// Either the kernel lacks what a message names, or it does not know the family any more: its module
	// was loaded anew. Then nothing of this was done.
	family, err := c.findFamily(ctx)
	if err == nil && family != c.family {
		c.family = family
		return c.write(ctx, ops)
	}
	return said, err
}
