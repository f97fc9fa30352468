package provider

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const goOnWithout = ` To go on without it, set on_unreachable = "warn" in the provider, or LVS_ON_UNREACHABLE=warn.`

// fail reports the failures of directors: at the attribute where a director named the field.
func (r *clusterResource[Spec, State, M]) fail(diags *diag.Diagnostics, of attr.Type, m M, verb string, failed map[string]error) {
	r.gather(of, m, failed).report(diags, r.unableTo(verb))
}

func (r *clusterResource[Spec, State, M]) gather(of attr.Type, m M, failed map[string]error) complaints {
	var c complaints
	for _, director := range slices.Sorted(maps.Keys(failed)) {
		err := failed[director]
		answer, ok := errors.AsType[*client.Error](err)
		switch {
		case ok && len(answer.Problem.Errors) > 0:
			for _, e := range answer.Problem.Errors {
				c.add(director, attributePath(of, m.locate(director, e.Pointer)), e.Detail+stranger(answer))
			}
		case ok:
			c.add(director, path.Empty(), answer.Reason()+stranger(answer))
		case client.IsUnreachable(err):
			c.add(director, path.Empty(), unreachableText(err)+goOnWithout)
		default:
			c.add("", path.Empty(), err.Error())
		}
	}
	return c
}

// stranger explains an agent that does not understand what is asked of it. What a provider asks is well-formed for
// an agent of its own version.
func stranger(answer *client.Error) string {
	p := answer.Problem
	if p.Type == "" || p.Status != http.StatusBadRequest && p.Status != http.StatusNotFound {
		return ""
	}
	return ". Its agent is of another version than this provider: upgrade lvs-agent there"
}

// misgivings are what directors could do and probably not well, at the attributes that they named.
func (r *clusterResource[Spec, State, M]) misgivings(of attr.Type, m M, said map[string]spec.FieldErrors) complaints {
	var c complaints
	for _, director := range slices.Sorted(maps.Keys(said)) {
		for _, e := range said[director] {
			c.add(director, attributePath(of, m.locate(director, e.Pointer)), e.Detail)
		}
	}
	return c
}

func unreachableText(err error) string {
	gone, _ := errors.AsType[*client.UnreachableError](err)
	return gone.Reason()
}

// conflicts splits failures into those that say how the object would not fit the other objects of a
// director, and all others. While a plan is made, the others may be about to change.
func conflicts(failed map[string]error) (conflict, other map[string]error) {
	conflict, other = map[string]error{}, map[string]error{}
	for director, err := range failed {
		if client.IsStatus(err, http.StatusConflict) {
			conflict[director] = err
		} else {
			other[director] = err
		}
	}
	return conflict, other
}

// refused is the failure that wrong fields are on a director.
func refused(director string, status int, errs spec.FieldErrors) error {
	return &client.Error{Director: director, Op: "check", Problem: spec.Problem{Status: status, Detail: errs.Error(), Errors: errs}}
}
