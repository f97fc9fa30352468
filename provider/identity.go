package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// identity is the key of an object in parts, each with the name of its attribute.
type identity struct {
	attributes map[string]identityschema.Attribute
	// parts takes a key apart. The values are canonical, because an identity must not change.
	parts func(key string) (map[string]any, error)
	// seed is what an import puts into the state, which must not be empty, where the parts are no attributes.
	seed map[string]attr.Value
}

// begin puts into an empty state what Read needs to find the object.
func (i identity) begin(ctx context.Context, state *tfsdk.State, parts map[string]any) (diags diag.Diagnostics) {
	for name, value := range i.seed {
		diags.Append(state.SetAttribute(ctx, path.Root(name), value)...)
	}
	if i.seed == nil {
		for name, value := range parts {
			diags.Append(state.SetAttribute(ctx, path.Root(name), value)...)
		}
	}
	return diags
}

// byName is the identity of an object that has a name.
func byName(of string) identity {
	return identity{
		attributes: map[string]identityschema.Attribute{
			"name": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the " + of + "."},
		},
		parts: func(key string) (map[string]any, error) { return map[string]any{"name": key}, nil },
	}
}

// byID is the identity of an object of which a director has one, whose key is no attribute.
func byID(of string) identity {
	return identity{
		attributes: map[string]identityschema.Attribute{
			"id": identityschema.StringAttribute{RequiredForImport: true, Description: "Id of the " + of + "."},
		},
		parts: func(key string) (map[string]any, error) { return map[string]any{"id": key}, nil },
		seed:  map[string]attr.Value{"director_status": types.MapValueMust(conditionType(), map[string]attr.Value{})},
	}
}

// byServer is the identity of a real server.
func byServer() identity {
	return identity{
		attributes: map[string]identityschema.Attribute{
			"virtual_server": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the virtual server."},
			"address":        identityschema.StringAttribute{RequiredForImport: true, Description: "IP address of the server."},
			"port":           identityschema.Int64Attribute{RequiredForImport: true, Description: "Port of the server."},
		},
		parts: func(key string) (map[string]any, error) {
			k, err := spec.ParseServerKey(key)
			return map[string]any{"virtual_server": k.VirtualServer, "address": k.Address.Addr().String(), "port": int64(k.Address.Port())}, err
		},
	}
}

// byService is the identity of what belongs to a virtual server and goes by its name.
func byService() identity {
	return identity{
		attributes: map[string]identityschema.Attribute{
			"virtual_server": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the virtual server."},
		},
		parts: func(key string) (map[string]any, error) { return map[string]any{"virtual_server": key}, nil },
	}
}

func (r *clusterResource[Spec, State, M]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: r.kind.identity.attributes}
}

// identify says which object it is. Terraform wants to know it whenever it is told of a state, also of an
// object that is gone.
func (r *clusterResource[Spec, State, M]) identify(ctx context.Context, diags *diag.Diagnostics, known *tfsdk.ResourceIdentity, key string) {
	parts, err := r.kind.identity.parts(key)
	if err != nil {
		diags.AddError(r.unableTo("Identify"), err.Error())
		return
	}
	for name, value := range parts {
		diags.Append(known.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// ImportState takes a key, or an identity, and leaves the rest to Read.
func (r *clusterResource[Spec, State, M]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	parts, err := r.kind.identity.parts(req.ID)
	if req.ID == "" {
		parts, err = map[string]any{}, nil
		for name := range r.kind.identity.attributes {
			var value attr.Value
			resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root(name), &value)...)
			switch value := value.(type) {
			case types.String:
				parts[name] = value.ValueString()
			case types.Int64:
				parts[name] = value.ValueInt64()
			}
		}
	}
	if err != nil {
		resp.Diagnostics.AddError(r.unableTo("Import"), err.Error())
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(r.kind.identity.begin(ctx, &resp.State, parts)...)
	if req.ID == "" {
		// As it stands in the canonical form: what Read says must be the same.
		m := r.model()
		resp.Diagnostics.Append(resp.State.Get(ctx, m)...)
		r.identify(ctx, &resp.Diagnostics, resp.Identity, m.key())
	}
}
