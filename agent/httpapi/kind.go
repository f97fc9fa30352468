package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/failpoint"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// kind is everything that differs between the kinds of object: how one is found, judged and
// reported. State is what the API answers about it. Keys are those of spec.Change.
type kind[Spec, State any] struct {
	kind spec.Kind
	// key checks a key's form.
	key func(key string) spec.FieldErrors
	// get finds an object.
	get func(d spec.Desired, key string) (Spec, bool)
	// validate judges the values, fit how they go with the other objects.
	validate func(key string, v *Spec) spec.FieldErrors
	fit      func(d spec.Desired, key string, v Spec) spec.Verdict
	// state finds what is reported.
	state func(s spec.Status, key string) State
	// prepare does first what a request says beside its object; nil is nothing.
	prepare func(d spec.Desired, key string, r request) (spec.Desired, []spec.Change)
	// came and gone return the changes by which an object comes and goes; nil is the object alone.
	came func(d spec.Desired, key string, v Spec) []spec.Change
	gone func(d spec.Desired, key string, r request) ([]spec.Change, error)
	// whole reports that nothing but the spec could be missing of an object that is there; nil is that it is so.
	whole func(d spec.Desired, key string) bool
	// maxBody bounds the body of a PUT, in bytes; 0 is MaxBody.
	maxBody int64
	// leaving finds an object that was deleted and is still there; nil is for kinds that have none.
	leaving func(d spec.Desired, key string) (Spec, bool)
}

// request is what a PUT or DELETE says beside its body.
type request struct {
	dryRun, cascade bool
	ungroup         bool           // of a real server: no group owns it any more
	drain           *spec.Duration // how long a removal may take; nil is what the spec says
	hold            string         // of a VRRP instance: a duration, or ""
	ifMatch         string
	ifNoneMatch     string
	idempotencyKey  string
}

func (k kind[Spec, State]) read(ctx context.Context, a *api, key string) (*objectOutput[Spec, State], error) {
	d := a.store.Desired()
	v, ok := k.get(d, key)
	if !ok && k.leaving != nil {
		v, ok = k.leaving(d, key)
	}
	if !ok {
		return nil, newProblem(http.StatusNotFound, fmt.Sprintf("%s %q does not exist on this director", k.kind, key), nil)
	}
	return k.answer(a.director.Status(ctx), http.StatusOK, key, v), nil
}

// put validates, stores, applies, reads back, answers. It applies also when nothing changed: a PUT is
// how a user says «make it so».
func (k kind[Spec, State]) put(ctx context.Context, a *api, key string, body []byte, r request) (*objectOutput[Spec, State], error) {
	if errs := k.key(key); errs != nil {
		return nil, invalid(http.StatusUnprocessableEntity, errs)
	}
	var v Spec
	if err := spec.Decode(body, &v); err != nil {
		return nil, invalid(http.StatusBadRequest, fieldErrors(err))
	}
	if errs := k.validate(key, &v); errs != nil {
		return nil, invalid(http.StatusUnprocessableEntity, errs)
	}
	if err := spec.ValidateIdempotencyKey(r.idempotencyKey); err != nil {
		return nil, newProblem(http.StatusBadRequest, "Idempotency-Key: "+err.Error(), nil)
	}
	if errs := a.director.Check(ctx, v); errs != nil {
		return nil, invalid(http.StatusUnprocessableEntity, errs)
	}

	if err := a.beginHold(key, r); err != nil {
		return nil, err
	}

	failpoint.Reach(failpoint.Validated)
	status := http.StatusOK
	var unresolved spec.FieldErrors
	var former string // the ETag of what is changed
	changed := false
	_, err := a.store.Update(func(d spec.Desired) ([]spec.Change, error) {
		var first []spec.Change
		if k.prepare != nil {
			d, first = k.prepare(d, key, r)
		}
		before, exists := k.get(d, key)
		equal := exists && spec.Equal(before, v)
		if p := precondition(d, k.kind, key, r, exists, equal, before); p != nil {
			return nil, p
		}
		verdict := k.fit(d, key, v)
		if verdict.Conflicts != nil {
			return nil, invalid(http.StatusConflict, verdict.Conflicts)
		}
		if !exists {
			status = http.StatusCreated
		}
		if r.dryRun {
			status, unresolved = http.StatusOK, verdict.Unresolved
			return nil, nil
		}
		if verdict.Unresolved != nil {
			return nil, invalid(http.StatusUnprocessableEntity, verdict.Unresolved)
		}
		if equal && first == nil && (k.whole == nil || k.whole(d, key)) {
			return nil, nil
		}
		if changed = true; exists {
			former = spec.ETag(before)
		}
		changes := []spec.Change{{Kind: k.kind, Key: key, Value: v}}
		if k.came != nil {
			changes = k.came(d, key, v)
		}
		if changes = append(changes, d.Forget(changes)...); !exists {
			changes = append(changes, d.Create(k.kind, key, r.idempotencyKey, time.Now())...)
		}
		changes = append(first, changes...)
		return changes, a.admit(d, changes)
	})
	if err != nil {
		if r.hold != "" {
			a.endHold(k.kind, key)
		}
		return nil, a.refuse(err, fmt.Sprintf("store %s %q", k.kind, key))
	}
	if changed {
		a.audit(ctx, "put", k.kind, key, former, spec.ETag(v))
	}
	if r.hold != "" && !r.dryRun {
		a.audit(ctx, "hold", k.kind, key, "", "")
	}
	if !r.dryRun {
		if err := a.apply(ctx, k.kind, key); err != nil {
			return nil, a.refuse(err, fmt.Sprintf("%s %q is stored and will be tried again, but could not be applied", k.kind, key))
		}
		if r.hold == "" {
			a.endHold(k.kind, key)
		}
	}
	failpoint.Reach(failpoint.ReadBack)
	answer := k.answer(a.director.Seen(ctx, k.kind, key), status, key, v)
	answer.Body.Unresolved = unresolved
	if r.dryRun && a.doubts != nil {
		answer.Body.Warnings = a.doubts(v)
	}
	return answer, nil
}

// precondition judges If-Match and If-None-Match (RFC 9110 §13). A repeated request must not fail
// because its first copy succeeded: a spec that is there already matches, and so does a create whose
// idempotency key made the object.
func precondition(d spec.Desired, of spec.Kind, key string, r request, exists, equal bool, before any) *problem {
	if exists && r.ifNoneMatch == "*" && !d.CreatedBy(of, key, r.idempotencyKey, time.Now()) {
		return newProblem(http.StatusPreconditionFailed, fmt.Sprintf("%s %q exists already", of, key), nil)
	}
	if r.ifMatch == "" || equal {
		return nil
	}
	if !exists || (r.ifMatch != "*" && r.ifMatch != spec.ETag(before)) {
		return newProblem(http.StatusPreconditionFailed, fmt.Sprintf("%s %q was changed by somebody else: read it again", of, key), nil)
	}
	return nil
}

// remove is idempotent: what is not there is gone. It returns 202 for what is still there, until its connections
// have ended.
func (k kind[Spec, State]) remove(ctx context.Context, a *api, key string, r request) (status int, err error) {
	failpoint.Reach(failpoint.Validated)
	var former string
	changed := false
	_, err = a.store.Update(func(d spec.Desired) ([]spec.Change, error) {
		before, exists := k.get(d, key)
		if exists && r.ifMatch != "" && r.ifMatch != "*" && r.ifMatch != spec.ETag(before) {
			return nil, newProblem(http.StatusPreconditionFailed, fmt.Sprintf("%s %q was changed by somebody else: read it again", k.kind, key), nil)
		}
		changes, err := k.going(d, key, r)
		changes = append(changes, d.Forget(changes)...)
		if r.dryRun {
			changes = nil
		}
		if changed = len(changes) > 0; changed && exists {
			former = spec.ETag(before)
		}
		return changes, err
	})
	if err != nil {
		return 0, a.refuse(err, fmt.Sprintf("delete %s %q", k.kind, key))
	}
	if changed {
		a.audit(ctx, "delete", k.kind, key, former, "")
	}
	if r.dryRun {
		return http.StatusNoContent, nil
	}
	if err := a.apply(ctx, k.kind, key); err != nil {
		return 0, a.refuse(err, fmt.Sprintf("%s %q is deleted, but the kernel could not be brought up to date and will be tried again", k.kind, key))
	}
	failpoint.Reach(failpoint.ReadBack)
	if k.leaving != nil {
		if _, still := k.leaving(a.store.Desired(), key); still {
			return http.StatusAccepted, nil
		}
	}
	return http.StatusNoContent, nil
}

// going returns the changes by which an object goes.
func (k kind[Spec, State]) going(d spec.Desired, key string, r request) ([]spec.Change, error) {
	if k.gone != nil {
		return k.gone(d, key, r)
	}
	if r.drain != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "drain: only real servers have connections that could be waited for", nil)
	}
	if _, exists := k.get(d, key); !exists {
		return nil, nil
	}
	return []spec.Change{{Kind: k.kind, Key: key}}, nil
}

func (k kind[Spec, State]) answer(now spec.Status, status int, key string, v Spec) *objectOutput[Spec, State] {
	etag := spec.ETag(v)
	return &objectOutput[Spec, State]{
		Status: status,
		ETag:   etag,
		Body:   spec.Object[Spec, State]{Spec: v, Status: k.state(now, key), ETag: etag},
	}
}
