package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var garpType = typeWith(garpAttributes)

func garpAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		Computed: true,
		Default:  objectdefault.StaticValue(garpValue(spec.DefaultGARP())),
		MarkdownDescription: "How often the active director announces the virtual addresses to its neighbours (gratuitous ARP). " +
			"All of them are announced once, at once, when it becomes active; this is about what follows.",
		Attributes: garpAttributes(),
	}
}

func garpAttributes() map[string]schema.Attribute {
	d := spec.DefaultGARP()
	return map[string]schema.Attribute{
		"delay": durationAttribute(d.Delay, "Time from the first round to the further ones: `0s` to `1h`. "+
			"The first may fall into a switch's own recovery from what made the director take over."),
		"repeat":         countAttribute(d.Repeat, "Number of further rounds, 0 to 100."),
		"refresh":        durationAttribute(d.Refresh, "Time between two announcements while active: `1s` to `24h`, or `0s` for none."),
		"refresh_repeat": countAttribute(d.RefreshRepeat, "Rounds of each such announcement, 1 to 100."),
		"rate":           countAttribute(d.Rate, "Most announcements a second in all rounds but the first, 1 to 100000."),
	}
}

// garp reads the attribute.
func garp(o types.Object) spec.GARP {
	g := spec.DefaultGARP()
	if o.IsNull() || o.IsUnknown() {
		return g
	}
	g.Delay = duration(attribute[timetypes.GoDuration](o, "delay"), g.Delay, g.Delay)
	g.Repeat = number(attribute[types.Int64](o, "repeat"), g.Repeat)
	g.Refresh = duration(attribute[timetypes.GoDuration](o, "refresh"), g.Refresh, g.Refresh)
	g.RefreshRepeat = number(attribute[types.Int64](o, "refresh_repeat"), g.RefreshRepeat)
	g.Rate = number(attribute[types.Int64](o, "rate"), g.Rate)
	return g
}

func garpValue(g spec.GARP) types.Object {
	return types.ObjectValueMust(garpType().AttrTypes, map[string]attr.Value{
		"delay":          durationValue(g.Delay),
		"repeat":         types.Int64Value(int64(g.Repeat)),
		"refresh":        durationValue(g.Refresh),
		"refresh_repeat": types.Int64Value(int64(g.RefreshRepeat)),
		"rate":           types.Int64Value(int64(g.Rate)),
	})
}
