package ipvs

import (
	"errors"
	"syscall"
)

// ErrUnavailable is returned for everything on a kernel that has no IPVS. It may come with the module,
// which is noticed at the next call.
var ErrUnavailable = errors.New("this kernel has no IPVS: load its module (modprobe ip_vs)")

// errTimeout ends a call that the kernel did not answer.
var errTimeout = errors.New("the kernel did not answer in time")

// Error is an operation that failed, with what the kernel said. The kernel has but a number for that,
// and the same one for different causes.
type Error struct {
	Op  Op
	Err error
	// Hint is the likely cause and its cure, or empty.
	Hint string
}

func newError(op Op, err error) *Error { return &Error{Op: op, Err: err, Hint: hint(op, err)} }

// Error says what was tried, what the kernel said, and the hint.
func (e *Error) Error() string {
	s := e.Op.doing() + ": " + e.Err.Error()
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap returns what the kernel said: usually a syscall.Errno.
func (e *Error) Unwrap() error { return e.Err }

// hint knows what net/netfilter/ipvs/ip_vs_ctl.c means by its numbers.
func hint(op Op, err error) string {
	service := op.Action == AddService || op.Action == EditService
	switch {
	case errors.Is(err, syscall.EPERM):
		return "changing the table takes CAP_NET_ADMIN in the network namespace"
	case service && errors.Is(err, syscall.ENOENT):
		s := "scheduler \"" + op.Options.Scheduler + "\" is not in this kernel (modprobe ip_vs_" + op.Options.Scheduler + ")"
		if engine := op.Options.Persistence.Engine; engine != "" {
			s += ", or persistence engine \"" + engine + "\" is not (modprobe ip_vs_pe_" + engine + ")"
		}
		return s
	case service && errors.Is(err, syscall.EAFNOSUPPORT):
		return "this kernel's IPVS has no IPv6"
	case errors.Is(err, syscall.ESRCH):
		return "the service is not in the table"
	case errors.Is(err, syscall.ENOENT):
		return "the destination is not in the table"
	case errors.Is(err, syscall.ERANGE):
		return "a weight is 0 to 2147483647, and the lower threshold is not above the upper one"
	case !service && errors.Is(err, syscall.EINVAL):
		return destinationHint(op)
	}
	return ""
}

func destinationHint(op Op) string {
	if op.Service.Family() != familyOf(op.Server.Addr()) {
		return "a destination of another family takes a tunnel, and excludes connection synchronization"
	}
	if op.Destination.Tunnel.Type == GUE && op.Destination.Tunnel.Port == 0 {
		return "a tunnel of type gue takes a port"
	}
	return "the kernel takes the address neither for one of its own nor for another machine's; is the loopback interface up?"
}
