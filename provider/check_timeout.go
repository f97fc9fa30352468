package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// checkTimeoutAttribute is the timeout of a health check, whose default leaves each interval a pause.
func checkTimeoutAttribute(usual spec.Duration) schema.Attribute {
	return schema.StringAttribute{
		CustomType:    timetypes.GoDurationType{},
		Optional:      true,
		Computed:      true, // planned by the interval when it is left out: never unknown alone
		PlanModifiers: []planmodifier.String{defaultCheckTimeout{}, keepEqualDuration()},
		MarkdownDescription: "A check without an answer by then has failed: more than `0s`, less than `interval`. The default is `" + usual.String() +
			"`, or half of `interval` where that is `1s` or less.",
	}
}

// defaultCheckTimeout plans a timeout that is left out by the interval beside it.
type defaultCheckTimeout struct{}

func (defaultCheckTimeout) Description(context.Context) string {
	return "The default is 1s, or half of an interval that is not longer."
}

func (d defaultCheckTimeout) MarkdownDescription(ctx context.Context) string {
	return d.Description(ctx)
}

func (defaultCheckTimeout) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	var interval timetypes.GoDuration
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, req.Path.ParentPath().AtName("interval"), &interval)...)
	if interval.IsUnknown() {
		resp.PlanValue = types.StringUnknown()
		return
	}
	usual := spec.DefaultHealthCheck().Interval
	resp.PlanValue = types.StringValue(spec.DefaultCheckTimeout(duration(interval, usual, usual)).String())
}
