package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type failoverAction struct{ actor }

func newFailoverAction() action.Action {
	return &failoverAction{actor{typeName: "lvs_failover", verb: "Fail Over"}}
}

type failoverModel struct {
	VRRPInstance types.String `tfsdk:"vrrp_instance"`
	Undo         types.Bool   `tfsdk:"undo"`
}

func (*failoverAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Has the active director of a virtual router hand over without a gap and stay away until the other one leaves, or this is undone.",
		Attributes: map[string]schema.Attribute{
			"vrrp_instance": schema.StringAttribute{Required: true, MarkdownDescription: "Name of the VRRP instance. Its sync group goes with it."},
			"undo":          schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the directors that stay away take part again instead. The default is `false`."},
		},
	}
}

func (a *failoverAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m failoverModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !a.ready(&resp.Diagnostics) {
		return
	}
	name := m.VRRPInstance.ValueString()
	directors, _ := a.cluster.known(a.cluster.names())
	seen := each(ctx, directors, func(ctx context.Context, d *director) (*spec.Snapshot, error) { return d.client.Snapshot(ctx) })
	a.fail(&resp.Diagnostics, seen.errs(), len(seen.values()))
	if resp.Diagnostics.HasError() {
		return
	}
	concerned := directorsWith(seen.values(), func(s *spec.Snapshot) bool {
		status := s.VRRPInstances[name].Status
		return m.Undo.ValueBool() && status.Failover || !m.Undo.ValueBool() && status.State == spec.InstanceActive
	})
	switch {
	case len(directorsWith(seen.values(), func(s *spec.Snapshot) bool { _, has := s.VRRPInstances[name]; return has })) == 0:
		resp.Diagnostics.AddError("Unable to Fail Over", fmt.Sprintf("no director that answers has a VRRP instance %q", name))
		return
	case len(concerned) == 0 && !m.Undo.ValueBool():
		resp.Diagnostics.AddError("Unable to Fail Over", fmt.Sprintf("no director that answers is active in VRRP instance %q, so there is nothing to hand over", name))
		return
	case len(concerned) > 1 && !m.Undo.ValueBool():
		resp.Diagnostics.AddError("Unable to Fail Over", fmt.Sprintf("%s are active in VRRP instance %q: they do not hear one another, or are about to; see that they do", list(concerned), name))
		return
	}
	from, _ := a.cluster.known(concerned)
	done := each(ctx, from, func(ctx context.Context, d *director) (string, error) {
		if m.Undo.ValueBool() {
			return fmt.Sprintf("%s takes part in %s again", d.name, name), d.client.EndFailover(ctx, name)
		}
		object, err := d.client.Failover(ctx, name)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s handed %s over to %s", d.name, name, object.Status.ActiveRouter), nil
	})
	for _, director := range slices.Sorted(maps.Keys(done.values())) {
		resp.SendProgress(action.InvokeProgressEvent{Message: done.values()[director]})
	}
	a.fail(&resp.Diagnostics, done.errs(), 0)
}

// directorsWith returns the names of those whose snapshot is so.
func directorsWith(seen map[string]*spec.Snapshot, so func(*spec.Snapshot) bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if so(seen[name]) {
			names = append(names, name)
		}
	}
	return names
}
