package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

// observer is what all data sources have in common: they ask directors what is happening now, each time
// anew, because what happens is not what was read for a plan.
type observer struct {
	// typeName is the data source's, title how a summary calls it.
	typeName, title string
	cluster         *cluster
}

func (o *observer) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = o.typeName
}

func (o *observer) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	o.cluster, _ = req.ProviderData.(*cluster) // nil before the provider is configured
}

// ready reports whether there is anybody to ask.
func (o *observer) ready(diags *diag.Diagnostics) bool {
	if o.cluster == nil {
		diags.AddError("Unable to Read "+o.title, "the provider has no directors: its configuration depends on something that is not known before the apply")
	}
	return o.cluster != nil
}

// observe asks directors. One that does not answer is left out where that is to be a warning; of any other
// failure nothing is returned.
func observe[T any](ctx context.Context, o *observer, diags *diag.Diagnostics, names []string, ask func(*client.Client, context.Context) (T, error)) map[string]T {
	directors, strangers := o.cluster.known(names)
	for _, name := range strangers {
		diags.AddError("Unable to Read "+o.title, fmt.Sprintf("%q is not a director of the provider: use one of %s", name, list(o.cluster.names())))
	}
	asked := each(ctx, directors, func(ctx context.Context, d *director) (T, error) { return ask(d.client, ctx) })
	failed := asked.errs()
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		switch err := failed[name]; {
		case !client.IsUnreachable(err):
			diags.AddError("Unable to Read "+o.title, err.Error())
		case o.cluster.onUnreachable == unreachableIsWarning:
			diags.AddWarning("Director Unreachable", fmt.Sprintf("director %s: %s", name, unreachableText(err)))
		default:
			diags.AddError("Unable to Read "+o.title, err.Error()+goOnWithout)
		}
	}
	return asked.values()
}

// absent complains when no director has the object.
func (o *observer) absent(diags *diag.Diagnostics, name string) {
	if !diags.HasError() {
		diags.AddError("Unable to Read "+o.title, fmt.Sprintf("no director that answers has a %s %q", o.title, name))
	}
}

// unlessEmpty is null for "".
func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
