package agent

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// drains strikes out of the store what the balancer says is gone.
type drains struct{ store *store.Store }

func (d drains) End(ended map[spec.ServerKey]spec.Drain) error {
	_, err := d.store.Update(func(desired spec.Desired) ([]spec.Change, error) {
		var changes []spec.Change
		for key, gone := range ended {
			if is, ok := desired.Drains.Get(key); ok && is.Removes() && is.Since.Equal(gone.Since) {
				changes = append(changes, spec.Change{Kind: spec.KindDrain, Key: key.String()})
			}
		}
		return changes, nil
	})
	return err
}
