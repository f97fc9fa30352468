package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// nameAttribute is the name of an object, which cannot be changed.
func nameAttribute(of string) schema.Attribute {
	return schema.StringAttribute{
		Required:      true,
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		MarkdownDescription: "Name of the " + of + ", the same on all directors: 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`, beginning and " +
			"ending with a letter or digit. Another name is another object: it forces replacement.",
	}
}

// durationAttribute is a duration with a default.
func durationAttribute(def spec.Duration, description string) schema.Attribute {
	return schema.StringAttribute{
		CustomType:          timetypes.GoDurationType{},
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(def.String()),
		PlanModifiers:       []planmodifier.String{keepEqualDuration()},
		MarkdownDescription: description + " The default is `" + def.String() + "`.",
	}
}

// flagAttribute is true or false, with a default.
func flagAttribute(def bool, description string) schema.Attribute {
	return schema.BoolAttribute{
		Optional:            true,
		Computed:            true,
		Default:             booldefault.StaticBool(def),
		MarkdownDescription: description + fmt.Sprintf(" The default is `%t`.", def),
	}
}

// countAttribute is a number with a default.
func countAttribute(def int, description string) schema.Attribute {
	return schema.Int64Attribute{
		Optional:            true,
		Computed:            true,
		Default:             int64default.StaticInt64(int64(def)),
		MarkdownDescription: description + fmt.Sprintf(" The default is `%d`.", def),
	}
}
