package provider

import (
	"context"
	"net/netip"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// keepEqual keeps the text of the state where the configuration has the same value in another form:
// 1000ms and 1s, 2001:DB8::1 and 2001:db8::1. The types themselves see to that when something is read
// back; here it is about a plan, for example after an import.
type keepEqual struct {
	equal func(a, b string) bool
}

func keepEqualDuration() keepEqual {
	return keepEqual{func(a, b string) bool { return same(time.ParseDuration, a, b) }}
}

func keepEqualAddress() keepEqual {
	return keepEqual{func(a, b string) bool { return same(netip.ParseAddr, a, b) }}
}

func keepEqualPrefix() keepEqual {
	return keepEqual{func(a, b string) bool { return same(netip.ParsePrefix, a, b) }}
}

func keepEqualStatus() keepEqual {
	return keepEqual{func(a, b string) bool { return same(statusRange, a, b) }}
}

func same[T comparable](parse func(string) (T, error), a, b string) bool {
	left, err := parse(a)
	if err != nil {
		return false
	}
	right, err := parse(b)
	return err == nil && left == right
}

func (k keepEqual) Description(context.Context) string {
	return "An equal value in another form is no change."
}

func (k keepEqual) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepEqual) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if k.equal(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

func (k keepEqual) PlanModifyList(_ context.Context, req planmodifier.ListRequest, resp *planmodifier.ListResponse) {
	if k.equalLists(req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}

// equalLists reports whether two lists hold equal values in the same order.
func (k keepEqual) equalLists(a, b types.List) bool {
	left, right := a.Elements(), b.Elements()
	if a.IsNull() || b.IsNull() || a.IsUnknown() || b.IsUnknown() || len(left) != len(right) {
		return false
	}
	for i := range left {
		if !k.equal(textOf(left[i]), textOf(right[i])) {
			return false
		}
	}
	return true
}

// textOf returns the string in a value of any type that holds one; "" when it is not known.
func textOf(v attr.Value) string {
	s, ok := v.(basetypes.StringValuable)
	if !ok {
		return ""
	}
	value, diags := s.ToStringValue(context.Background())
	if diags.HasError() {
		return ""
	}
	return value.ValueString()
}
