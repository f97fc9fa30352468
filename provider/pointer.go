package provider

import (
	"context"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// attributePath turns the JSON pointer of a field (RFC 6901) into the path of the attribute of that
// name. It goes as far as the schema's types know the way: what is left points below a set, or at
// something that this provider does not have.
func attributePath(of attr.Type, pointer string) path.Path {
	at := path.Empty()
	for _, segment := range strings.Split(pointer, "/")[1:] {
		segment = strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
		if shaped, ok := of.(interface{ shape() attr.Type }); ok {
			of = shaped.shape()
		}
		switch t := of.(type) {
		case attr.TypeWithAttributeTypes:
			next, ok := t.AttributeTypes()[segment]
			if !ok {
				return at
			}
			at, of = at.AtName(segment), next
		case types.ListType:
			i, err := strconv.Atoi(segment)
			if err != nil {
				return at
			}
			at, of = at.AtListIndex(i), t.ElemType
		case types.MapType:
			at, of = at.AtMapKey(segment), t.ElemType
		default:
			return at
		}
	}
	return at
}

// settled reports whether the value at a path is known, and is what its type says. Of any other value
// there is nothing more to say: its type has said it.
func settled(ctx context.Context, config tfsdk.Config, at path.Path) bool {
	for leaf := true; len(at.Steps()) > 0; at, leaf = at.ParentPath(), false {
		var v attr.Value
		diags := config.GetAttribute(ctx, at, &v)
		if inside, dynamic := insideDynamic(ctx, config, at); dynamic {
			v, diags = inside, nil
		}
		if leaf && diags.HasError() || v != nil && v.IsUnknown() {
			return false
		}
	}
	return true
}

// insideDynamic returns the value at a path below an attribute that is any value for the framework, which does not
// look into it; nil when there is none.
func insideDynamic(ctx context.Context, config tfsdk.Config, at path.Path) (_ attr.Value, dynamic bool) {
	var v attr.Value
	steps := at.Steps()
	if len(steps) < 2 {
		return nil, false
	}
	if diags := config.GetAttribute(ctx, path.Empty().AtName(steps[0].String()), &v); diags.HasError() {
		return nil, false
	}
	servers, dynamic := v.(serversValue)
	if !dynamic {
		return nil, false
	}
	v = servers.Dynamic
	for _, step := range steps[1:] {
		switch step := step.(type) {
		case path.PathStepElementKeyString:
			all, _ := members(v)
			v = all[string(step)]
		case path.PathStepAttributeName:
			all, _ := members(v)
			v = all[string(step)]
		case path.PathStepElementKeyInt:
			all := elements(v)
			if int(step) >= len(all) {
				return nil, true
			}
			v = all[step]
		}
	}
	return v, true
}
