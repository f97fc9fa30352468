package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

// Read compares every director with the state. A value on which all of them agree goes into its
// attribute; where one differs, its director_status says how.
func (r *clusterResource[Spec, State, M]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	m := r.model()
	resp.Diagnostics.Append(req.State.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.identify(ctx, &resp.Diagnostics, resp.Identity, m.key())
	if r.cluster == nil {
		resp.Diagnostics.AddWarning(r.unableTo("Read"), "The provider's directors are not known before the apply: the state is taken as it is.")
		return
	}
	imported := m.placed().Directors.IsNull()
	names := m.placed().names()
	if imported {
		names = r.cluster.names()
	}
	targets, gone := r.cluster.known(names)
	seen := each(ctx, targets, func(ctx context.Context, d *director) (observation[Spec], error) {
		return r.kind.look(ctx, d, m.key())
	})

	conditions, failed := map[string]*condition{}, map[string]error{}
	for name, err := range seen.errs() {
		if !client.IsUnreachable(err) || r.cluster.onUnreachable == unreachableIsError {
			failed[name] = err
			continue
		}
		conditions[name] = &condition{state: unreachable}
		if before := m.placed().condition(name); before != nil && before.state == notApplied {
			conditions[name] = before // it is behind, too, and still
		}
	}
	r.fail(&resp.Diagnostics, req.State.Schema.Type(), m, "Read", failed)
	if resp.Diagnostics.HasError() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		resp.Diagnostics.AddWarning("Director Unreachable", fmt.Sprintf("director %s: %s", name, unreachableText(seen[name].err)))
	}

	r.tell(&resp.Diagnostics, seen.values())

	actual := map[string]Spec{}
	for name, o := range seen.values() {
		if o.exists {
			actual[name] = o.spec
		}
	}
	if len(actual) == 0 && len(conditions) == 0 && len(gone) == 0 {
		resp.State.RemoveResource(ctx)
		return
	}
	if imported {
		if len(actual) == 0 {
			resp.State.RemoveResource(ctx) // Terraform says that there is nothing to import
			return
		}
		m.adopt(actual, r.cluster.names())
		m.placed().place(slices.Sorted(maps.Keys(actual)))
	}
	if len(actual) > 0 {
		m.observe(actual)
	}
	for name, o := range seen.values() {
		switch {
		case !o.exists && imported:
			// It is not there, and nobody said that it should be.
		case !o.exists:
			conditions[name] = &condition{state: missing}
		default:
			conditions[name] = &condition{state: inSync}
			if drift := describe(o, m.spec(name)); drift != "" {
				conditions[name] = &condition{state: drifted, drift: drift}
			}
		}
	}
	for _, name := range gone {
		conditions[name] = m.placed().condition(name)
	}
	if imported {
		maps.DeleteFunc(conditions, func(name string, _ *condition) bool { _, there := actual[name]; return !there })
	}
	m.placed().report(conditions)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// tell warns of what directors remark on.
func (r *clusterResource[Spec, State, M]) tell(diags *diag.Diagnostics, seen map[string]observation[Spec]) {
	var c complaints
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if remark := seen[name].remark; remark != "" {
			c.add(name, path.Empty(), remark)
		}
	}
	c.warn(diags, r.kind.title+" Is Not As Usual", "")
}
