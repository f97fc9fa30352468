package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// serversType is that of the servers of a group, of which there may be thousands. For Terraform it is any value.
// As a map of nested attributes it would be converted at each evaluation, and the conversion compares each element
// with each other one in every attribute that there is, also in those that nobody sets: five seconds with 5,000
// servers (unify of go-cty 1.19.0), twice in a plan and four times in an apply. And the framework walks through all
// attributes of all elements a dozen times.
//
// So the value stays as it was written, and spec.Decode judges it, as it does a request.
type serversType struct{ basetypes.DynamicType }

// serversValue is a value of that type.
type serversValue struct{ types.Dynamic }

// shape is what the value has to be.
func (serversType) shape() attr.Type { return types.MapType{ElemType: serverType()} }

func (serversType) String() string { return "serversType" }

// Equal reports whether the other type is this one, too.
func (serversType) Equal(o attr.Type) bool { _, ok := o.(serversType); return ok }

// ValueType returns no value in particular.
func (serversType) ValueType(context.Context) attr.Value { return serversValue{} }

// ValueFromDynamic returns the same value.
func (serversType) ValueFromDynamic(_ context.Context, v types.Dynamic) (basetypes.DynamicValuable, diag.Diagnostics) {
	return serversValue{v}, nil
}

// ValueFromTerraform returns the same value.
func (t serversType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	v, err := t.DynamicType.ValueFromTerraform(ctx, in)
	dynamic, _ := v.(types.Dynamic)
	return serversValue{dynamic}, err
}

// Type is serversType.
func (serversValue) Type(context.Context) attr.Type { return serversType{} }

// Equal reports whether the other value is written in the same way.
func (v serversValue) Equal(o attr.Value) bool {
	other, ok := o.(serversValue)
	return ok && v.Dynamic.Equal(other.Dynamic)
}

// decodeServers reads the servers of a group. What is not known reads as what it is when it is left out.
func decodeServers(v types.Dynamic) (spec.RealServerGroup, spec.FieldErrors) {
	const at jsontext.Pointer = "/servers"
	group := spec.RealServerGroup{Servers: map[string]spec.RealServer{}}
	if unsettled(v) {
		return group, nil
	}
	elements, isMap := members(v)
	if !isMap {
		return group, spec.FieldErrors{{Pointer: string(at), Detail: `this is no map: write servers = { "192.0.2.21:80" = { weight = 1 } }`}}
	}
	var u untyped
	servers, of := map[string]any{}, serverType().TerraformType(context.Background())
	for address, element := range elements {
		if servers[address] = u.json(at.AppendToken(address), element, of); servers[address] == nil {
			servers[address] = map[string]any{}
		}
	}
	if u.strange != nil {
		return group, u.strange
	}
	data, err := spec.Encode(map[string]any{"servers": servers})
	if err == nil {
		err = spec.Decode(data, &group)
	}
	if errs, ok := errors.AsType[spec.FieldErrors](err); ok {
		return group, errs
	}
	if err != nil {
		return group, spec.FieldErrors{{Pointer: string(at), Detail: err.Error()}}
	}
	return group, nil
}

// encodeServers returns the servers of a group. Those that are in before, and equal, stay as they are written there.
func encodeServers(group spec.RealServerGroup, before types.Dynamic) types.Dynamic {
	known, _ := decodeServers(before)
	written, _ := members(before)
	elements, changed := make(map[string]attr.Value, len(group.Servers)), len(written) != len(group.Servers)
	for address, server := range group.Servers {
		was, there := known.Servers[address]
		if there && spec.Equal(was, server) {
			elements[address] = written[address]
			continue
		}
		elements[address], changed = valueOf(tree(server)), true
	}
	if !changed {
		return before
	}
	return types.DynamicValue(objectOf(elements))
}

// keepEqualServers keeps the servers of the state where the configuration has the same ones in other words, for
// example after an import.
type keepEqualServers struct{ keepEqual }

func (keepEqualServers) PlanModifyDynamic(ctx context.Context, req planmodifier.DynamicRequest, resp *planmodifier.DynamicResponse) {
	plan, err := req.PlanValue.ToTerraformValue(ctx)
	if req.StateValue.IsNull() || err != nil || !plan.IsFullyKnown() {
		return
	}
	want, errs := decodeServers(req.PlanValue)
	have, _ := decodeServers(req.StateValue)
	if errs == nil && maps.EqualFunc(have.Servers, want.Servers, func(a, b spec.RealServer) bool { return spec.Equal(a, b) }) {
		resp.PlanValue = req.StateValue
	}
}

// unsettled reports whether there is no value, or none yet.
func unsettled(v attr.Value) bool {
	if d, ok := v.(types.Dynamic); ok {
		return d.IsNull() || d.IsUnknown() || d.IsUnderlyingValueNull() || d.IsUnderlyingValueUnknown()
	}
	return v == nil || v.IsNull() || v.IsUnknown()
}

// unknown reports whether there will be a value, which is not known yet.
func unknown(v attr.Value) bool {
	d, ok := v.(types.Dynamic)
	return v.IsUnknown() || ok && d.IsUnderlyingValueUnknown()
}

// members returns what is in a map or an object, and whether the value is one.
func members(v attr.Value) (map[string]attr.Value, bool) {
	switch v := v.(type) {
	case types.Dynamic:
		return members(v.UnderlyingValue())
	case types.Object:
		return v.Attributes(), true
	case types.Map:
		return v.Elements(), true
	}
	return nil, false
}

// elements returns what is in a list, a tuple or a set, in its order.
func elements(v attr.Value) []attr.Value {
	switch v := v.(type) {
	case types.Dynamic:
		return elements(v.UnderlyingValue())
	case types.Tuple:
		return v.Elements()
	case types.List:
		return v.Elements()
	case types.Set:
		return v.Elements()
	}
	return nil
}

// untyped turns values that Terraform gave no type into what stands in a request.
type untyped struct {
	// strange are attributes that there are none of, and secrets, which only typed attributes can keep out of a state.
	strange spec.FieldErrors
}

// json returns a value as it stands in a request; nil when there is none, or none yet. Where it is to be of another
// primitive type it is converted, as everywhere in Terraform.
func (u *untyped) json(at jsontext.Pointer, v attr.Value, of tftypes.Type) any {
	if unsettled(v) {
		return nil
	}
	switch v := v.(type) {
	case types.Dynamic:
		return u.json(at, v.UnderlyingValue(), of)
	case types.String:
		return primitive(v.ValueString(), of)
	case types.Number:
		number := v.ValueBigFloat().Text('f', -1)
		if of != nil && of.Is(tftypes.String) {
			return number
		}
		return jsontext.Value(number)
	case types.Bool:
		if of != nil && of.Is(tftypes.String) {
			return strconv.FormatBool(v.ValueBool())
		}
		return v.ValueBool()
	case types.Tuple, types.List, types.Set:
		return u.list(at, elements(v), of)
	}
	object := map[string]any{}
	all, _ := members(v)
	for name, member := range all {
		if strings.HasSuffix(name, "_wo") && !unsettled(member) {
			u.strange = append(u.strange, spec.FieldError{Pointer: string(at), Detail: name + " would stand in the state of a group: " +
				"leave this health check to the virtual server, or use lvs_real_server"})
			continue
		}
		if o, ok := of.(tftypes.Object); ok && o.AttributeTypes[name] == nil {
			u.strange = append(u.strange, spec.FieldError{Pointer: string(at), Detail: fmt.Sprintf(
				"there is no attribute %q: use %s", name, strings.Join(slices.Sorted(maps.Keys(o.AttributeTypes)), ", "))})
		}
		if value := u.json(at.AppendToken(name), member, typeWithin(of, name)); value != nil {
			object[name] = value
		}
	}
	return object
}

func (u *untyped) list(at jsontext.Pointer, all []attr.Value, of tftypes.Type) []any {
	list := make([]any, len(all))
	for i, element := range all {
		list[i] = u.json(at.AppendToken(strconv.Itoa(i)), element, typeWithin(of, ""))
		if list[i] == nil && unknown(element) {
			list[i] = placeholder(typeWithin(of, ""))
		}
	}
	return list
}

// placeholder stands for an element that is not known yet, so that those behind it keep their places. What is said
// about it itself is dropped, so it only has to be readable as whatever is to be there.
func placeholder(of tftypes.Type) any {
	switch {
	case of != nil && of.Is(tftypes.Object{}):
		return map[string]any{}
	case of != nil && of.Is(tftypes.Number):
		return 0
	}
	return "0"
}

// typeWithin returns the type of what is in a value of a type; nil where that says nothing.
func typeWithin(of tftypes.Type, name string) tftypes.Type {
	switch of := of.(type) {
	case tftypes.Object:
		return of.AttributeTypes[name]
	case tftypes.Map:
		return of.ElementType
	case tftypes.List:
		return of.ElementType
	case tftypes.Set:
		return of.ElementType
	}
	return nil
}

// primitive returns text as what it is to be, where it reads as such.
func primitive(text string, of tftypes.Type) any {
	switch {
	case of == nil:
	case of.Is(tftypes.Number):
		if number := jsontext.Value(text); number.IsValid() && number.Kind() == '0' {
			return number
		}
	case of.Is(tftypes.Bool):
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// numberPrecision is that of Terraform's numbers, in bits.
const numberPrecision = 512

// valueOf returns what decoded returned as a value.
func valueOf(plain any) attr.Value {
	switch plain := plain.(type) {
	case map[string]any:
		members := make(map[string]attr.Value, len(plain))
		for name, member := range plain {
			members[name] = valueOf(member)
		}
		return objectOf(members)
	case []any:
		list, of := make([]attr.Value, len(plain)), make([]attr.Type, len(plain))
		for i, element := range plain {
			list[i] = valueOf(element)
			of[i] = list[i].Type(context.Background())
		}
		return types.TupleValueMust(of, list)
	case json.Number:
		number, _, err := big.ParseFloat(plain.String(), 10, numberPrecision, big.ToNearestEven)
		if err == nil {
			return types.NumberValue(number)
		}
	case bool:
		return types.BoolValue(plain)
	case string:
		return types.StringValue(plain)
	}
	return types.DynamicNull()
}

func objectOf(members map[string]attr.Value) types.Object {
	of := make(map[string]attr.Type, len(members))
	for name, member := range members {
		of[name] = member.Type(context.Background())
	}
	return types.ObjectValueMust(of, members)
}
