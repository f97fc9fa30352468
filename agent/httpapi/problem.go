package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const problemType = "application/problem+json"

// problem is an error that answers a request (RFC 9457).
type problem struct{ spec.Problem }

// newProblem makes one. What it repeats of a request may be no UTF-8, which JSON must be.
func newProblem(status int, detail string, errs spec.FieldErrors) *problem {
	valid := func(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
	detail, errs = valid(detail), slices.Clone(errs)
	for i, e := range errs {
		errs[i] = spec.FieldError{Pointer: valid(e.Pointer), Detail: valid(e.Detail)}
	}
	return &problem{spec.Problem{
		Type:   "about:blank",
		Title:  http.StatusText(status),
		Status: status,
		Detail: detail,
		Errors: errs,
	}}
}

// invalid answers errors of fields, with the first of them as the detail.
func invalid(status int, errs spec.FieldErrors) *problem {
	return newProblem(status, errs.Error(), errs)
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return problemType }

// MarshalJSON writes the problem without anything of Go's error.
func (p *problem) MarshalJSON() ([]byte, error) { return spec.Encode(p.Problem) }

// ownProblems replaces huma's own errors (a body that is too large, a query parameter of another type)
// by ours: huma's repeat the value that was sent, and that may be a secret.
func ownProblems(_ huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	var errs spec.FieldErrors
	for _, d := range model.Errors {
		errs = append(errs, spec.FieldError{Pointer: "", Detail: d.Location + ": " + d.Message})
	}
	return newProblem(model.Status, model.Detail, errs), nil
}

// writeProblem answers outside huma.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, newProblem(status, detail, nil).Problem) // the client may be gone
}

// fieldErrors finds the errors of fields inside an error.
func fieldErrors(err error) spec.FieldErrors {
	if errs, ok := errors.AsType[spec.FieldErrors](err); ok {
		return errs
	}
	return spec.FieldErrors{{Detail: err.Error()}}
}
