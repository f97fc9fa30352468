package provider

import (
	"net/netip"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// number reads a number; what is left out is fallback. So is what is not known: the complaint about it
// would be dropped, but one about another value must not come from it.
func number(v types.Int64, fallback int) int {
	if v.IsNull() || v.IsUnknown() {
		return fallback
	}
	return int(v.ValueInt64())
}

// flag reads a truth value; what is left out, or not known, is fallback.
func flag(v types.Bool, fallback bool) bool {
	if v.IsNull() || v.IsUnknown() {
		return fallback
	}
	return v.ValueBool()
}

func word[T ~string](v types.String, fallback T) T {
	if v.IsNull() || v.IsUnknown() {
		return fallback
	}
	return T(v.ValueString())
}

// optionalWord returns a word that may be left out.
func optionalWord[T ~string](v T) types.String {
	if v == "" {
		return types.StringNull()
	}
	return types.StringValue(string(v))
}

// duration reads a duration. One that is not known, or that its own type complains about, is open.
func duration(v timetypes.GoDuration, fallback, open spec.Duration) spec.Duration {
	if v.IsNull() {
		return fallback
	}
	d, err := time.ParseDuration(v.ValueString())
	if v.IsUnknown() || err != nil {
		return open
	}
	return spec.Duration(d)
}

// durationOrNone reads a duration that may be left out.
func durationOrNone(v timetypes.GoDuration, open spec.Duration) *spec.Duration {
	if v.IsNull() {
		return nil
	}
	d := duration(v, open, open)
	return &d
}

func durationOrNoneValue(d *spec.Duration) timetypes.GoDuration {
	if d == nil {
		return timetypes.NewGoDurationNull()
	}
	return durationValue(*d)
}

func durationValue(d spec.Duration) timetypes.GoDuration {
	return timetypes.NewGoDurationValue(d.Std())
}

func address(v iptypes.IPAddress) netip.Addr {
	a, err := netip.ParseAddr(v.ValueString())
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// attribute reads an attribute of an object as a T; the zero T, which is null, when there is none.
func attribute[T attr.Value](object types.Object, name string) T {
	v, _ := object.Attributes()[name].(T)
	return v
}

// entry reads an element of a map of objects.
func entry(m types.Map, key string) types.Object {
	v, _ := m.Elements()[key].(types.Object)
	return v
}

// textList reads a list of texts; nil when there are none.
func textList(v types.List) (all []string) {
	for _, element := range v.Elements() {
		all = append(all, textOf(element))
	}
	return all
}

// textListAsBefore returns a list of texts; an empty one is null, unless it was written as [].
func textListAsBefore(all []string, before types.List) types.List {
	if len(all) == 0 && before.IsNull() {
		return types.ListNull(types.StringType)
	}
	texts := make([]attr.Value, len(all))
	for i, text := range all {
		texts[i] = types.StringValue(text)
	}
	return types.ListValueMust(types.StringType, texts)
}
