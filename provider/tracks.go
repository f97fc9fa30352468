package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var trackType = typeOf(func() schema.Attribute { return trackAttribute("", "") })

// trackAttribute is a map of things that move the priority. passes says when one of them does.
func trackAttribute(description, passes string) schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: description + " that move the priority, by name. One passes while " + passes + ".",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"weight": countAttribute(0, "-253 to 253. Above 0 it is added to the priority while this passes; below 0 it is subtracted while it fails; "+
				"with 0 the instance is in `fault` while it fails."),
			"inverse": flagAttribute(false, "Whether the sign is turned round: subtracted while it passes, added while it fails, or in `fault` while it passes."),
		}},
	}
}

func tracks(of types.Map) map[string]spec.Track {
	var all map[string]spec.Track
	for name := range of.Elements() {
		if all == nil {
			all = map[string]spec.Track{}
		}
		track := entry(of, name)
		all[name] = spec.Track{
			Weight:  number(attribute[types.Int64](track, "weight"), 0),
			Inverse: flag(attribute[types.Bool](track, "inverse"), false),
		}
	}
	return all
}

// trackedValue returns the attribute. Nothing at all is an empty map where the configuration says so.
func trackedValue(tracks map[string]spec.Track, before types.Map) types.Map {
	if len(tracks) == 0 && before.IsNull() {
		return types.MapNull(trackType())
	}
	values := map[string]attr.Value{}
	for name, track := range tracks {
		values[name] = types.ObjectValueMust(trackType().AttrTypes, map[string]attr.Value{
			"weight": types.Int64Value(int64(track.Weight)), "inverse": types.BoolValue(track.Inverse),
		})
	}
	return types.MapValueMust(trackType(), values)
}
