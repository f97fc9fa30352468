package ipvs

import (
	"errors"
	"syscall"
)

// applyAll carries out one operation after the other with do, which returns the number of writes it
// took. A failure does not stop the others, save those it dooms: the destinations of a service that
// could not be added, and everything, where the process may write nothing at all or nobody answers.
func applyAll(ops []Op, do func(Op) (int, error)) (writes int, err error) {
	var errs []error
	missing := map[ServiceKey]bool{}
	for _, op := range ops {
		if missing[op.Service] {
			continue
		}
		n, err := do(op)
		writes += n
		if err == nil {
			continue
		}
		errs = append(errs, newError(op, err))
		if errors.Is(err, syscall.EPERM) || errors.Is(err, errTimeout) {
			break
		}
		if op.Action == AddService {
			missing[op.Service] = true
		}
	}
	return writes, errors.Join(errs...)
}
