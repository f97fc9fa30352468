package agent

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// checkHooks reports which programs of hooks may not run here.
func (a *Agent) checkHooks(notify map[string]spec.Hook) spec.FieldErrors {
	var errs spec.FieldErrors
	for _, name := range slices.Sorted(maps.Keys(notify)) {
		if v := notify[name]; v.Webhook == nil {
			errs = append(errs, a.plane.checkCommand(sandbox.Command{Line: v.Command}).Under(string(jsontext.Pointer("/notify").AppendToken(name)))...)
		}
	}
	return errs
}
