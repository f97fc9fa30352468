package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const unlessThisApply = " The apply fails here unless it changes that object first."

// ModifyPlan plans the object as in sync on every director that the configuration asks for, so that
// anything else is a difference. When there is something to do, it asks the directors whether they
// could.
func (r *clusterResource[Spec, State, M]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.cluster == nil {
		return // a destroy, or a provider whose configuration is not known yet
	}
	config, plan := r.model(), r.model()
	resp.Diagnostics.Append(req.Config.Get(ctx, config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	var prior M // nil for a create
	existed := !req.State.Raw.IsNull()
	if existed {
		prior = r.model()
		resp.Diagnostics.Append(req.State.Get(ctx, prior)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	confide(plan, config)
	plan.complete()

	of := req.Plan.Schema.Type()
	names, known, errs := config.targets(r.cluster.names())
	for _, e := range errs {
		resp.Diagnostics.AddAttributeError(attributePath(of, e.Pointer), r.unableTo("Plan"), e.Detail)
	}
	if !known || errs != nil {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}
	targets, _ := r.cluster.known(names)
	plan.placed().place(names)
	if existed {
		r.leftBehind(&resp.Diagnostics, prior, names)
	}

	silent := r.silent(ctx, targets)
	expected := map[string]*condition{}
	for _, name := range names {
		expected[name] = &condition{state: inSync}
		if _, down := silent[name]; down && existed {
			expected[name] = prior.placed().condition(name)
		}
	}
	plan.placed().report(expected)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if resp.Diagnostics.HasError() || resp.Plan.Raw.Equal(req.State.Raw) {
		r.announce(resp, plan)
		return
	}
	if len(silent) > 0 {
		// Whether they will be written to, only the apply can tell.
		for name := range silent {
			expected[name] = nil
		}
		plan.placed().report(expected)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
	if req.Config.Raw.IsFullyKnown() { // of write-only values a plan does not tell
		r.rehearse(ctx, resp, of, plan, prior, existed, slices.DeleteFunc(targets, func(d *director) bool {
			_, down := silent[d.name]
			return down
		}))
	}
	r.announce(resp, plan)
}

// silent returns the directors that do not answer, where that is to be a warning. One is asked once for all objects:
// it may be one that keeps everybody waiting.
func (r *clusterResource[Spec, State, M]) silent(ctx context.Context, targets []*director) map[string]error {
	down := map[string]error{}
	if r.cluster.onUnreachable != unreachableIsWarning {
		return down
	}
	asked := each(ctx, targets, func(ctx context.Context, d *director) (*spec.Snapshot, error) { return d.snapshot(ctx) })
	for name, err := range asked.errs() {
		if client.IsUnreachable(err) {
			down[name] = err
		}
	}
	return down
}

// rehearse is the dry run: what a director will refuse at apply, it says now.
func (r *clusterResource[Spec, State, M]) rehearse(ctx context.Context, resp *resource.ModifyPlanResponse, of attr.Type, plan, prior M, existed bool, targets []*director) {
	if !decided(resp.Plan) {
		return
	}
	if errs, judged := r.misfits(plan); judged {
		for _, e := range errs {
			resp.Diagnostics.AddAttributeError(attributePath(of, e.Pointer), r.unableTo("Plan"), e.Detail)
		}
		if errs != nil {
			return
		}
	}
	key := plan.key()
	if existed && prior.key() != key {
		return // a replacement: it is planned once more, as a create
	}
	var options client.PutOptions
	if existed {
		options = r.kind.takeOver
	}
	rehearsed := each(ctx, targets, func(ctx context.Context, d *director) (spec.FieldErrors, error) {
		return r.kind.rehearse(ctx, d, key, plan.spec(d.name), options)
	})
	r.misgivings(of, plan, rehearsed.values()).warn(&resp.Diagnostics, r.kind.title+mayNotBeMeant, "")
	conflict, other := conflicts(rehearsed.errs())
	r.fail(&resp.Diagnostics, of, plan, "Plan", other)
	if _, judged := r.misfits(plan); !judged {
		r.gather(of, plan, conflict).warn(&resp.Diagnostics, r.kind.title+" Conflicts With Another Object", unlessThisApply)
	}
}

// decided reports whether all that a director is asked for is known.
func decided(plan tfsdk.Plan) bool {
	attributes := map[string]tftypes.Value{}
	if err := plan.Raw.As(&attributes); err != nil {
		return false
	}
	for name, v := range attributes {
		if name != "director_status" && !v.IsFullyKnown() {
			return false
		}
	}
	return true
}

// leftBehind warns of directors that the provider does not have any more: what is on them stays.
func (r *clusterResource[Spec, State, M]) leftBehind(diags *diag.Diagnostics, prior M, names []string) {
	_, gone := r.cluster.known(without(prior.placed().names(), names))
	if len(gone) > 0 {
		diags.AddWarning(r.kind.title+" Stays On A Director",
			fmt.Sprintf("The provider has no director %s any more, so %s %q stays as it is there: delete it there, or put the director back for one apply.",
				list(gone), r.kind.kind, prior.key()))
	}
}
