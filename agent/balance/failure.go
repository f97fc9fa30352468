package balance

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// errUnwritten is what the kernel does not say.
var errUnwritten = errors.New("the kernel took it, and its table is something else: does another program write to it?")

// unwritten returns an error for each service in which something is left to write without a reason.
func unwritten(left []ipvs.Op, failure error) error {
	told := map[ipvs.ServiceKey]bool{}
	for err := range each(failure) {
		if of, ok := errors.AsType[*ipvs.Error](err); ok {
			told[of.Op.Service] = true
		}
	}
	var errs []error
	for _, op := range left {
		if !told[op.Service] {
			told[op.Service] = true
			errs = append(errs, &ipvs.Error{Op: op, Err: errUnwritten})
		}
	}
	return errors.Join(errs...)
}

// attribute says of each failed operation which virtual server it concerns.
func attribute(failure error, names map[ipvs.ServiceKey]string) error {
	var errs []error
	for err := range each(failure) {
		if of, ok := errors.AsType[*ipvs.Error](err); ok && names[of.Op.Service] != "" {
			err = &spec.ObjectError{Kind: spec.KindVirtualServer, Name: names[of.Op.Service], Err: err}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// failures returns why virtual servers could not be made what is wanted, by name.
func failures(failure error) map[string]string {
	failed := map[string]string{}
	for err := range each(failure) {
		if of, ok := errors.AsType[*spec.ObjectError](err); ok && of.Kind == spec.KindVirtualServer && failed[of.Name] == "" {
			failed[of.Name] = of.Err.Error()
		}
	}
	return failed
}

// isOfObjects reports whether all that went wrong is some object's, so that the others are what is wanted.
func isOfObjects(failure error) bool {
	for err := range each(failure) {
		if _, ok := errors.AsType[*spec.ObjectError](err); !ok {
			return false
		}
	}
	return true
}

// each goes over the errors that were joined, however often; over none of nil.
func each(failure error) iter.Seq[error] {
	return func(yield func(error) bool) {
		switch joined, ok := failure.(interface{ Unwrap() []error }); {
		case failure == nil:
		case !ok:
			yield(failure)
		default:
			for _, part := range joined.Unwrap() {
				for err := range each(part) {
					if !yield(err) {
						return
					}
				}
			}
		}
	}
}

// summary says what went wrong in one line that can be read, however many services it concerns.
func summary(failure error) string {
	const most = 5
	all := slices.Collect(each(failure))
	var said []string
	for _, err := range all[:min(len(all), most)] {
		said = append(said, err.Error())
	}
	if more := len(all) - most; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}
