package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	fwlist "github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// listed makes a resource one that `terraform query` lists, too.
func listed(newResource func() resource.Resource) func() fwlist.ListResource {
	return func() fwlist.ListResource {
		r, ok := newResource().(fwlist.ListResource)
		if !ok {
			panic("provider: a resource without the engine of all resources is listed") // a slip in provider.go
		}
		return r
	}
}

func (r *clusterResource[Spec, State, M]) ListResourceConfigSchema(_ context.Context, _ fwlist.ListResourceSchemaRequest, resp *fwlist.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{MarkdownDescription: "All objects of this kind that the directors have, whoever made them. There is nothing to configure."}
}

// List finds what is on any director. The attributes, where they are asked for, are those of an import.
func (r *clusterResource[Spec, State, M]) List(ctx context.Context, req fwlist.ListRequest, stream *fwlist.ListResultsStream) {
	var diags diag.Diagnostics
	keys := r.keys(ctx, &diags)
	stream.Results = func(push func(fwlist.ListResult) bool) {
		if len(diags) > 0 && (!push(fwlist.ListResult{Diagnostics: diags}) || diags.HasError()) {
			return
		}
		for i, key := range keys {
			if int64(i) == req.Limit && req.Limit > 0 || !push(r.result(ctx, req, key)) {
				return
			}
		}
	}
}

// keys returns those of all objects that a director has.
func (r *clusterResource[Spec, State, M]) keys(ctx context.Context, diags *diag.Diagnostics) []string {
	if !r.ready(diags, "List") {
		return nil
	}
	directors, _ := r.cluster.known(r.cluster.names())
	seen := each(ctx, directors, func(ctx context.Context, d *director) (*spec.Snapshot, error) { return d.snapshot(ctx) })
	for name, err := range r.tolerate(diags, seen.errs(), "what it has is not listed") {
		text := err.Error()
		if client.IsUnreachable(err) {
			text = "On " + name + ": " + unreachableText(err) + goOnWithout
		}
		diags.AddError(r.unableTo("List"), text)
	}
	all := map[string]bool{}
	for _, s := range seen.values() {
		for _, key := range r.kind.keys(s) {
			all[key] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// result is one object.
func (r *clusterResource[Spec, State, M]) result(ctx context.Context, req fwlist.ListRequest, key string) fwlist.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = key
	r.identify(ctx, &result.Diagnostics, result.Identity, key)
	if !req.IncludeResource || result.Diagnostics.HasError() {
		return result
	}
	state := tfsdk.State{Raw: result.Resource.Raw, Schema: result.Resource.Schema}
	parts, err := r.kind.identity.parts(key)
	if err != nil {
		result.Diagnostics.AddError(r.unableTo("List"), err.Error())
		return result
	}
	result.Diagnostics.Append(r.kind.identity.begin(ctx, &state, parts)...)
	read := resource.ReadResponse{State: state, Identity: result.Identity}
	r.Read(ctx, resource.ReadRequest{State: state}, &read)
	result.Diagnostics.Append(read.Diagnostics...)
	result.Resource.Raw = read.State.Raw
	return result
}

// keysOf returns the names of objects.
func keysOf[V any](objects map[string]V) []string { return slices.Collect(maps.Keys(objects)) }

// serverKeys returns the keys of the real servers that are none of a group's.
func serverKeys(s *spec.Snapshot) (keys []string) {
	for name, service := range s.VirtualServers {
		if service.RealServerGroup {
			continue
		}
		for server := range service.RealServers {
			keys = append(keys, name+"/"+server)
		}
	}
	return keys
}

// groupKeys returns the names of the virtual servers whose real servers are a group.
func groupKeys(s *spec.Snapshot) (keys []string) {
	for name, service := range s.VirtualServers {
		if service.RealServerGroup {
			keys = append(keys, name)
		}
	}
	return keys
}
