package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

// actor is what all actions have in common. An action is done once, when it is asked for: no state remembers
// it, and no plan undoes it.
type actor struct {
	// typeName is the action's, verb how a summary says what it does.
	typeName, verb string
	cluster        *cluster
}

func (a *actor) Metadata(_ context.Context, _ action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = a.typeName
}

func (a *actor) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	a.cluster, _ = req.ProviderData.(*cluster) // nil before the provider is configured
}

// ready reports whether there is anybody to ask.
func (a *actor) ready(diags *diag.Diagnostics) bool {
	if a.cluster == nil {
		diags.AddError("Unable to "+a.verb, "the provider has no directors: its configuration depends on something that is not known")
	}
	return a.cluster != nil
}

// fail reports the failures of directors. One that does not answer is a warning where that is to be one, as
// long as another does.
func (a *actor) fail(diags *diag.Diagnostics, failed map[string]error, succeeded int) {
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		err := failed[name]
		if client.IsUnreachable(err) && a.cluster.onUnreachable == unreachableIsWarning && succeeded > 0 {
			diags.AddWarning("Director Unreachable", fmt.Sprintf("director %s was left out: %s", name, unreachableText(err)))
			continue
		}
		diags.AddError("Unable to "+a.verb, err.Error())
	}
}
