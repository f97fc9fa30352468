package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type checkScriptResource struct {
	clusterResource[spec.CheckScript, spec.CheckScriptStatus, *checkScriptModel]
}

func newCheckScriptResource() resource.Resource {
	r := &checkScriptResource{}
	r.kind, r.model = checkScripts(), func() *checkScriptModel { return &checkScriptModel{} }
	return r
}

func (*checkScriptResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	d := spec.DefaultCheckScript()
	resp.Schema = schema.Schema{
		MarkdownDescription: "A program on the directors whose exit status says pass (0) or fail (anything else). " +
			"A VRRP instance tracks it with `track_scripts`, and a virtual server checks its real servers with it (`health_check.script`).",
		Attributes: map[string]schema.Attribute{
			"name": nameAttribute("check script"),
			"command": schema.ListAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "Absolute path of the program, and its arguments. It runs without a shell. It must be inside the agent's " +
					"`scripts.directory`, and nobody but its owner may be able to write to it. Either this or `content` is needed.",
			},
			"content": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Instead of a `command`: the text of the script, up to 64 KiB, which begins with a line such as `#!/bin/sh`. It runs only where " +
					"the agent's file allows that (`scripts { allow_inline = true }`). It is in the state, so it is no place for a secret.",
			},
			"interval": durationAttribute(d.Interval, "Time between two runs, from start to start: `10ms` to `24h`."),
			"timeout": schema.StringAttribute{
				CustomType:    timetypes.GoDurationType{},
				Optional:      true,
				Computed:      true, // planned as the interval when it is left out: never unknown alone
				PlanModifiers: []planmodifier.String{followInterval{}, keepEqualDuration()},
				MarkdownDescription: "After this the program and all that it started are killed, and the run has failed: more than `0s`, " +
					"at most `interval`, which is the default.",
			},
			"rise":            countAttribute(d.Rise, "Passes in a row that turn failing into passing: 1 to 255."),
			"fall":            countAttribute(d.Fall, "Failures in a row that turn passing into failing: 1 to 255."),
			"timeouts":        timeoutsAttribute(ctx),
			"directors":       directorsAttribute(),
			"director_status": directorStatusAttribute(),
		},
	}
}

// followInterval plans a timeout that is left out as not known, so that complete makes it what the
// interval will be, and not what it was.
type followInterval struct{}

func (followInterval) Description(context.Context) string { return "The default is interval." }

func (f followInterval) MarkdownDescription(ctx context.Context) string { return f.Description(ctx) }

func (followInterval) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.ConfigValue.IsNull() {
		resp.PlanValue = types.StringUnknown()
	}
}
