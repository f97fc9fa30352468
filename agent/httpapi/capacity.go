package httpapi

import (
	"fmt"
	"net/http"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// admit refuses changes after which there would be more objects than there may be. Those that make it fewer, or leave it
// as it is, are always welcome.
func (a *api) admit(d spec.Desired, changes []spec.Change) error {
	more := 0
	for _, c := range changes {
		exists, counts := d.Has(c.Kind, c.Key)
		switch {
		case counts && c.Value != nil && !exists:
			more++
		case counts && c.Value == nil && exists:
			more--
		}
	}
	if more <= 0 || a.objects == nil {
		return nil
	}
	if n, most := d.Objects(), a.objects(); most > 0 && n+more > most {
		return newProblem(http.StatusInsufficientStorage, fmt.Sprintf(
			"this director keeps %d objects and may keep %d: delete some, or raise limits.objects in the agent's file", n, most), nil)
	}
	return nil
}
