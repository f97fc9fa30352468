package provider

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Create makes the object on all directors or on none: an error with state would be a taint, and the
// next apply would destroy the object where it is well.
func (r *clusterResource[Spec, State, M]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m, config := r.model(), r.model()
	resp.Diagnostics.Append(req.Plan.Get(ctx, m)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics, "Create") {
		return
	}
	confide(m, config)
	ctx, _, end := r.within(ctx, &resp.Diagnostics, m, "Create", timeouts.Value.Create)
	defer end()
	of := req.Plan.Schema.Type()
	targets, _ := r.cluster.known(m.placed().names())
	key := m.key()

	options := client.PutOptions{CreateOnly: !r.cluster.adoptExisting, IdempotencyKey: rand.Text()}
	willing, skipped := r.preflight(ctx, &resp.Diagnostics, of, m, "Create", targets, func(*director) client.PutOptions { return options })
	if resp.Diagnostics.HasError() {
		return
	}
	written := each(ctx, willing, func(ctx context.Context, d *director) (Spec, error) {
		return r.kind.put(ctx, d, key, m.spec(d.name), options)
	})
	if failed := written.errs(); len(failed) > 0 || len(willing) == 0 {
		r.fail(&resp.Diagnostics, of, m, "Create", failed)
		if !r.cluster.adoptExisting {
			r.rollBack(ctx, &resp.Diagnostics, m, willing, failed)
		}
		return
	}
	r.settle(m, written.values(), skipped)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	r.identify(ctx, &resp.Diagnostics, resp.Identity, m.key())
}

// Update makes every director what the plan says, and writes down how far that went.
func (r *clusterResource[Spec, State, M]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m, config, prior := r.model(), r.model(), r.model()
	resp.Diagnostics.Append(req.Plan.Get(ctx, m)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, prior)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics, "Update") {
		return
	}
	r.identify(ctx, &resp.Diagnostics, resp.Identity, m.key())
	confide(m, config)
	ctx, _, end := r.within(ctx, &resp.Diagnostics, m, "Update", timeouts.Value.Update)
	defer end()
	of := req.Plan.Schema.Type()
	names, before := m.placed().names(), prior.placed().names()
	targets, _ := r.cluster.known(names)

	willing, skipped := r.preflight(ctx, &resp.Diagnostics, of, m, "Update", targets, func(d *director) client.PutOptions {
		// On a director that is new to the object, something of that name is somebody else's.
		if !slices.Contains(before, d.name) && !r.cluster.adoptExisting {
			return client.PutOptions{CreateOnly: true}
		}
		return r.kind.takeOver
	})
	if resp.Diagnostics.HasError() {
		return
	}
	former, _ := r.cluster.known(without(before, names))
	r.unheard(&resp.Diagnostics, m, prior, willing, skipped)
	written, removed := r.rollout(ctx, &resp.Diagnostics, m, willing, former)
	failed := written.errs()
	r.fail(&resp.Diagnostics, of, m, "Update", failed)
	if len(failed) > 0 && len(written.values()) == 0 {
		return // the state is still what it was
	}
	remain := r.tolerate(&resp.Diagnostics, removed.errs(), "it stays there")
	r.fail(&resp.Diagnostics, of, m, "Update", remain)

	conditions := r.settle(m, written.values(), skipped)
	for _, d := range willing {
		if _, done := conditions[d.name]; !done {
			conditions[d.name] = r.truth(ctx, d, m) // it failed, or its turn did not come
		}
	}
	for _, d := range former {
		if _, bad := remain[d.name]; bad || !removed.asked(d.name) {
			conditions[d.name] = prior.placed().condition(d.name)
			names = append(names, d.name)
		}
	}
	m.placed().place(names)
	m.placed().report(conditions)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// Delete goes on over all directors, and may be repeated.
func (r *clusterResource[Spec, State, M]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	m := r.model()
	resp.Diagnostics.Append(req.State.Get(ctx, m)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics, "Delete") {
		return
	}
	ctx, limit, end := r.within(ctx, &resp.Diagnostics, m, "Delete", timeouts.Value.Delete)
	defer end()
	targets, _ := r.cluster.known(m.placed().names())
	r.leftBehind(&resp.Diagnostics, m, nil)
	silent := r.silent(ctx, targets)
	removed := each(ctx, targets, func(ctx context.Context, d *director) (struct{}, error) {
		if err := silent[d.name]; err != nil {
			return struct{}{}, err
		}
		return struct{}{}, r.kind.remove(ctx, d, m.key(), client.DeleteOptions{})
	})
	failed := r.tolerate(&resp.Diagnostics, removed.errs(), "it stays there")
	leaving := slices.DeleteFunc(slices.Clone(targets), func(d *director) bool { return removed[d.name].err != nil })
	maps.Copy(failed, r.awaitGone(ctx, m, leaving, limit))
	r.fail(&resp.Diagnostics, req.State.Schema.Type(), m, "Delete", failed)
}

func (r *clusterResource[Spec, State, M]) ready(diags *diag.Diagnostics, verb string) bool {
	if r.cluster == nil {
		diags.AddError(r.unableTo(verb), "the provider has no directors: its configuration depends on something that is not known")
	}
	return r.cluster != nil
}

// preflight asks all directors whether they could, before any is written to. It returns those that
// can, and the names of those that the plan allows to be left out.
func (r *clusterResource[Spec, State, M]) preflight(ctx context.Context, diags *diag.Diagnostics, of attr.Type, m M, verb string,
	targets []*director, options func(*director) client.PutOptions,
) (willing []*director, skipped []string) {
	key := m.key()
	silent := r.silent(ctx, targets)
	asked := each(ctx, targets, func(ctx context.Context, d *director) (struct{}, error) {
		if err := silent[d.name]; err != nil {
			return struct{}{}, err
		}
		o := options(d)
		o.DryRun = true
		object, err := r.kind.collection(d.client).Put(ctx, key, m.spec(d.name), o)
		if err == nil && len(object.Unresolved) > 0 {
			err = refused(d.name, http.StatusUnprocessableEntity, object.Unresolved)
		}
		return struct{}{}, err
	})
	failed := map[string]error{}
	var taken []*director
	for _, d := range targets {
		switch err := asked[d.name].err; {
		case err == nil:
			willing = append(willing, d)
		case client.IsUnreachable(err) && r.cluster.onUnreachable == unreachableIsWarning && m.placed().leftOpen(d.name):
			diags.AddWarning("Director Unreachable", fmt.Sprintf("director %s was left out: %s", d.name, unreachableText(err)))
			skipped = append(skipped, d.name)
		case client.IsStatus(err, http.StatusPreconditionFailed):
			taken = append(taken, d)
		default:
			failed[d.name] = err
		}
	}
	r.fail(diags, of, m, verb, failed)
	if len(taken) > 0 {
		r.exists(ctx, diags, m, verb, taken)
	}
	if len(willing) == 0 && !diags.HasError() {
		diags.AddError(r.unableTo(verb), "no director of this object answers, so nothing was changed")
	}
	return willing, skipped
}

// rollBack deletes what this create made, also when the user has interrupted it. What was there
// before, or has been changed since, has another ETag and stays.
func (r *clusterResource[Spec, State, M]) rollBack(ctx context.Context, diags *diag.Diagnostics, m M, tried []*director, failed map[string]error) {
	mine := slices.DeleteFunc(slices.Clone(tried), func(d *director) bool {
		return client.IsStatus(failed[d.name], http.StatusPreconditionFailed)
	})
	undone := each(context.WithoutCancel(ctx), mine, func(ctx context.Context, d *director) (struct{}, error) {
		return struct{}{}, r.kind.remove(ctx, d, m.key(), client.DeleteOptions{IfMatch: spec.ETag(m.spec(d.name))})
	})
	for _, name := range slices.Sorted(maps.Keys(undone.errs())) {
		diags.AddError(r.unableTo("Undo")+" Creation", fmt.Sprintf("it may have been left on director %s: delete or import it there (%v)", name, undone[name].err))
	}
}

// settle fills the model with what the directors answered.
func (r *clusterResource[Spec, State, M]) settle(m M, written map[string]Spec, skipped []string) map[string]*condition {
	if len(written) > 0 {
		m.observe(written)
	}
	conditions := map[string]*condition{}
	for name := range written {
		conditions[name] = &condition{state: inSync}
	}
	for _, name := range skipped {
		conditions[name] = &condition{state: notApplied}
	}
	m.placed().report(conditions)
	return conditions
}

// truth finds out how an object is on a director that failed to change it.
func (r *clusterResource[Spec, State, M]) truth(ctx context.Context, d *director, m M) *condition {
	object, err := r.kind.collection(d.client).Get(context.WithoutCancel(ctx), m.key())
	switch {
	case client.IsStatus(err, http.StatusNotFound):
		return &condition{state: missing}
	case err != nil:
		return &condition{state: unreachable}
	}
	drift := describe(observation[Spec]{spec: object.Spec}, m.spec(d.name))
	if drift == "" {
		drift = "stored, but not applied"
	}
	return &condition{state: drifted, drift: drift}
}

// tolerate turns the failures of directors that do not answer into warnings, where they are to be
// that, and returns the others.
func (r *clusterResource[Spec, State, M]) tolerate(diags *diag.Diagnostics, failed map[string]error, consequence string) map[string]error {
	if r.cluster.onUnreachable != unreachableIsWarning {
		return failed
	}
	hard := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		if !client.IsUnreachable(failed[name]) {
			hard[name] = failed[name]
			continue
		}
		diags.AddWarning("Director Unreachable", fmt.Sprintf("director %s: %s, because there is %s", name, consequence, unreachableText(failed[name])))
	}
	return hard
}
