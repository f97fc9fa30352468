package bench

import (
	"errors"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Fill puts virtual servers and their real servers into an agent's state file, as so many requests would have.
func Fill(file string, d spec.Desired) (err error) {
	s, err := store.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	_, err = s.Update(func(spec.Desired) (changes []spec.Change, _ error) {
		for name, v := range d.VirtualServers {
			changes = append(changes, spec.Change{Kind: spec.KindVirtualServer, Key: name, Value: v})
		}
		for key, v := range d.RealServers.All() {
			changes = append(changes, spec.Change{Kind: spec.KindRealServer, Key: key.String(), Value: v})
		}
		return changes, nil
	})
	return err
}
