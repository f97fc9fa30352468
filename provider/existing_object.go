package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// exists reports that the object is on directors already, with what differs, and how to take it over.
func (r *clusterResource[Spec, State, M]) exists(ctx context.Context, diags *diag.Diagnostics, m M, verb string, taken []*director) {
	rivals := each(ctx, taken, func(ctx context.Context, d *director) (bool, error) {
		seen, err := r.kind.look(ctx, d, m.key())
		return slices.ContainsFunc(seen.kernel, func(d spec.Drift) bool { return d.Field == ownerField }), err
	}).values()
	found := each(ctx, taken, func(ctx context.Context, d *director) (string, error) {
		object, err := r.kind.collection(d.client).Get(ctx, m.key())
		if err != nil {
			return "", err
		}
		if parts := difference(object.Spec, m.spec(d.name)); len(parts) > 0 {
			return strings.Join(parts, "; "), nil
		}
		return "the same as here", nil
	})
	var text strings.Builder
	fmt.Fprintf(&text, "%s %q exists already, and this resource did not make it:\n", r.kind.kind, m.key())
	for _, name := range slices.Sorted(maps.Keys(found)) {
		what := found[name].value
		if err := found[name].err; err != nil {
			what = err.Error()
		}
		fmt.Fprintf(&text, "  on %s: %s\n", name, what)
	}
	text.WriteString("\nTwo owners would undo each other's changes. ")
	if verb == "Create" {
		fmt.Fprintf(&text, "To take it over, add this block, with the address of this resource, and apply again:\n\nimport {\n  to = %s.%s\n  id = %q\n}\n\n",
			r.kind.resource, label(m.key()), m.key())
		if slices.Contains(slices.Collect(maps.Values(rivals)), true) {
			fmt.Fprintf(&text, "What is %[1]s of this configuration goes out of the state in the same apply:\n\nremoved {\n  from = %[1]s.NAME\n  lifecycle {\n    destroy = false\n  }\n}\n\n", r.kind.rival)
		}
	} else {
		text.WriteString("Delete it there. ")
	}
	text.WriteString("Or set adopt_existing = true in the provider, and it is overwritten.")
	diags.AddError(r.unableTo(verb), text.String())
}

// label makes a name for a resource out of the key of its object.
func label(key string) string {
	return strings.NewReplacer(".", "_", "/", "_", ":", "_", "[", "", "]", "").Replace(key)
}
