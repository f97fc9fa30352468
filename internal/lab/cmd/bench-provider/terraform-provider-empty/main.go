// Command terraform-provider-empty is what the provider is held against: it has the schema of lvs_real_server
// as empty_real_server, does nothing, and so costs what Terraform and the framework cost.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	lvs "github.com/lvs-director/terraform-provider-lvs/provider"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return emptyProvider{} }, providerserver.ServeOpts{
		Address: "registry.terraform.io/lvs-director/empty",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "terraform-provider-empty:", err)
		os.Exit(1)
	}
}

type emptyProvider struct{}

func (emptyProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "empty"
}

func (emptyProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (emptyProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (emptyProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (emptyProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return emptyResource{} }}
}

type emptyResource struct{}

func (emptyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "empty_real_server"
}

// Schema is that of lvs_real_server.
func (emptyResource) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	for _, newResource := range lvs.New("bench")().Resources(ctx) {
		var named resource.MetadataResponse
		model := newResource()
		model.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "lvs"}, &named)
		if named.TypeName == "lvs_real_server" {
			model.Schema(ctx, req, resp)
		}
	}
}

// Create leaves empty what nobody has set.
func (emptyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
	attributes := map[string]tftypes.Value{}
	if err := req.Plan.Raw.As(&attributes); err != nil {
		resp.Diagnostics.AddError("Unable to Create", err.Error())
		return
	}
	for name, v := range attributes {
		if s, ok := req.Plan.Schema.(schema.Schema); ok && !v.IsKnown() {
			nothing, err := s.Attributes[name].GetType().ValueFromTerraform(ctx, tftypes.NewValue(v.Type(), nil))
			if err != nil {
				resp.Diagnostics.AddError("Unable to Create", err.Error())
				return
			}
			resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), nothing)...)
		}
	}
}

func (emptyResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (emptyResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (emptyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
