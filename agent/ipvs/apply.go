package ipvs

import (
	"errors"
	"slices"
	"syscall"
)

// sender carries operations out, as they are and in order, and returns what was said to each, nil for
// done. It may end after one that was forbidden. An error of its own means that nobody knows which
// were carried out.
type sender func([]Op) (said []error, err error)

// applyAll carries operations out. A failure does not stop the others, save those it dooms: the
// destinations of a service that could not be added, and everything, where the process may write
// nothing at all or nobody answers: then there is an error for each service with something left to do. What is
// there already is edited, and what is gone already need not be deleted.
func applyAll(ops []Op, send sender) (writes int, err error) {
	var errs []error
	missing := map[ServiceKey]bool{}
	for len(ops) > 0 {
		// What takes something away is not sent along with what has to be there before.
		n := slices.IndexFunc(ops[1:], func(op Op) bool { return op.deletes() != ops[0].deletes() }) + 1
		if n == 0 {
			n = len(ops)
		}
		part := ops[:n]
		if len(missing) > 0 {
			part = slices.DeleteFunc(slices.Clone(part), func(op Op) bool { return missing[op.Service] })
		}
		ops = ops[n:]
		for len(part) > 0 {
			said, err := send(part)
			writes += len(said)
			if err != nil {
				return writes, errors.Join(append(errs, stopped(slices.Concat(part, ops), missing, err)...)...)
			}
			var again []Op
			for i, err := range said {
				op := part[i]
				switch {
				case err == nil, op.gone(err), missing[op.Service]:
				case op.exists(err):
					again = append(again, op.edit())
				case errors.Is(err, syscall.EPERM):
					return writes, errors.Join(append(errs, stopped(slices.Concat(part[i:], ops), missing, err)...)...)
				default:
					errs = append(errs, newError(op, err))
					missing[op.Service] = missing[op.Service] || op.Action == AddService
				}
			}
			part = again
		}
	}
	return writes, errors.Join(errs...)
}

// stopped returns an error for each service that operations are left for which will not be carried out, save those of
// which one was told already.
func stopped(left []Op, told map[ServiceKey]bool, err error) (errs []error) {
	for _, op := range left {
		if !told[op.Service] {
			told[op.Service] = true
			errs = append(errs, newError(op, err))
		}
	}
	return errs
}

func (o Op) deletes() bool { return o.Action == DeleteService || o.Action == DeleteDestination }

// exists reports whether the error says that what was to be added is there.
func (o Op) exists(err error) bool {
	return (o.Action == AddService || o.Action == AddDestination) && errors.Is(err, syscall.EEXIST)
}

// gone reports whether the error says that what was to be deleted is not there.
func (o Op) gone(err error) bool {
	return o.deletes() && (errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT) && o.Action == DeleteDestination)
}

// edit returns the operation on what is there already.
func (o Op) edit() Op {
	if o.Action == AddService {
		o.Action = EditService
	} else {
		o.Action = EditDestination
	}
	return o
}
