package provider

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// rpc speaks to a provider as Terraform does. It is for what needs a later Terraform than the tests may have:
// identities (1.12), list resources and actions (1.14).
type rpc struct {
	t      *testing.T
	server tfprotov6.ProviderServer
	schema *tfprotov6.GetProviderSchemaResponse
}

// newRPC returns a provider that is configured for these directors.
func newRPC(t *testing.T, directors map[string]*testDirector) rpc {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r := rpc{t, server, schema}
	r.well(schema.Diagnostics)
	entries := map[string]any{}
	for name, d := range directors {
		entries[name] = map[string]any{"endpoint": d.url}
	}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: r.value(schema.Provider.ValueType(), map[string]any{"directors": entries}),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.well(configured.Diagnostics)
	return r
}

// well fails the test when there is any complaint.
func (r rpc) well(diags []*tfprotov6.Diagnostic) {
	r.t.Helper()
	for _, d := range diags {
		r.t.Fatalf("%s: %s", d.Summary, d.Detail)
	}
}

// value makes one of a type out of Go's; what is left out is null.
func (r rpc) value(of tftypes.Type, v any) *tfprotov6.DynamicValue {
	r.t.Helper()
	value, err := tfprotov6.NewDynamicValue(of, convert(of, v))
	if err != nil {
		r.t.Fatal(err)
	}
	return &value
}

func convert(of tftypes.Type, v any) tftypes.Value {
	if v == nil {
		return tftypes.NewValue(of, nil)
	}
	switch of := of.(type) {
	case tftypes.Object:
		given, attributes := v.(map[string]any), map[string]tftypes.Value{}
		for name, t := range of.AttributeTypes {
			attributes[name] = convert(t, given[name])
		}
		return tftypes.NewValue(of, attributes)
	case tftypes.Map:
		elements := map[string]tftypes.Value{}
		for key, element := range v.(map[string]any) {
			elements[key] = convert(of.ElementType, element)
		}
		return tftypes.NewValue(of, elements)
	case tftypes.Set:
		elements := []tftypes.Value{}
		for _, element := range v.([]any) {
			elements = append(elements, convert(of.ElementType, element))
		}
		return tftypes.NewValue(of, elements)
	}
	return tftypes.NewValue(of, v)
}

// attributes returns those of an object as text; null is "".
func (r rpc) attributes(of tftypes.Type, v *tfprotov6.DynamicValue) map[string]string {
	r.t.Helper()
	value, err := v.Unmarshal(of)
	if err != nil {
		r.t.Fatal(err)
	}
	members, all := map[string]tftypes.Value{}, map[string]string{}
	if err := value.As(&members); err != nil {
		r.t.Fatal(err)
	}
	for name, member := range members {
		all[name] = plain(member)
	}
	return all
}

// tree returns a value as maps, lists and texts.
func (r rpc) tree(of tftypes.Type, v *tfprotov6.DynamicValue) any {
	r.t.Helper()
	value, err := v.Unmarshal(of)
	if err != nil {
		r.t.Fatal(err)
	}
	return branch(value)
}

func branch(v tftypes.Value) any {
	members := map[string]tftypes.Value{}
	if v.IsNull() || v.As(&members) != nil {
		return plain(v)
	}
	tree := map[string]any{}
	for name, member := range members {
		tree[name] = branch(member)
	}
	return tree
}

func plain(v tftypes.Value) string {
	var text string
	if v.IsNull() {
		return ""
	}
	if v.Type().Is(tftypes.String) && v.As(&text) == nil {
		return text
	}
	var number *big.Float
	if v.Type().Is(tftypes.Number) && v.As(&number) == nil {
		return number.Text('f', -1)
	}
	return fmt.Sprint(v)
}
