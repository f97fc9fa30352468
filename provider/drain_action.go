package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type drainAction struct{ actor }

func newDrainAction() action.Action {
	return &drainAction{actor{typeName: "lvs_drain", verb: "Drain Real Server"}}
}

type drainModel struct {
	VirtualServer types.String      `tfsdk:"virtual_server"`
	Address       iptypes.IPAddress `tfsdk:"address"`
	Port          types.Int64       `tfsdk:"port"`
	Directors     types.Set         `tfsdk:"directors"`
	Undo          types.Bool        `tfsdk:"undo"`
}

func (*drainAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Gives a real server no new connections, for maintenance, until this is undone: its weight in the kernel is 0, while the one that it was given stays as it is.",
		Attributes: map[string]schema.Attribute{
			"virtual_server": schema.StringAttribute{Required: true, MarkdownDescription: "Name of the virtual server."},
			"address":        schema.StringAttribute{CustomType: iptypes.IPAddressType{}, Required: true, MarkdownDescription: "IP address of the server."},
			"port":           schema.Int64Attribute{Required: true, MarkdownDescription: "Port of the server."},
			"directors":      schema.SetAttribute{ElementType: types.StringType, Optional: true, MarkdownDescription: "Names of the directors that do so. The default is all directors of the provider."},
			"undo":           schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the server gets connections again instead. The default is `false`."},
		},
	}
}

func (a *drainAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m drainModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !a.ready(&resp.Diagnostics) {
		return
	}
	where := placement{Directors: m.Directors}
	names, _, errs := where.targets(a.cluster.names())
	for _, e := range errs {
		resp.Diagnostics.AddAttributeError(attributePath(req.Config.Schema.Type(), e.Pointer), "Unable to Drain Real Server", e.Detail)
	}
	if errs != nil {
		return
	}
	server := spec.ServerKey{VirtualServer: m.VirtualServer.ValueString(), Address: netip.AddrPortFrom(address(m.Address), uint16(number(m.Port, 0)))}.String()
	directors, _ := a.cluster.known(names)
	done := each(ctx, directors, func(ctx context.Context, d *director) (string, error) {
		if m.Undo.ValueBool() {
			return fmt.Sprintf("%s gives %s connections again", d.name, server), d.client.EndDrain(ctx, server)
		}
		object, err := d.client.Drain(ctx, server)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s gives %s no new connections; %d are left", d.name, server, object.Status.ActiveConnections), nil
	})
	for _, director := range slices.Sorted(maps.Keys(done.values())) {
		resp.SendProgress(action.InvokeProgressEvent{Message: done.values()[director]})
	}
	a.fail(&resp.Diagnostics, done.errs(), len(done.values()))
}
