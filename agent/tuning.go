package agent

import (
	"fmt"
	"log/slog"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// tuning is what a tuner tunes.
type tuning struct {
	ipvs     tune.IPVS
	machine  tune.Machine
	identity string
}

func localTuning(of tune.IPVS) (tuning, error) {
	identity, err := tune.Local{}.Identity()
	if err != nil {
		return tuning{}, fmt.Errorf("find out which boot of this machine it is: %w", err)
	}
	return tuning{ipvs: of, machine: tune.Local{}, identity: identity}, nil
}

func newTuner(c config.Config, on tuning, s *store.Store, r tune.Roles, publish func(...spec.Event), log *slog.Logger) *tune.Tuner {
	return tune.New(tune.Config{
		IPVS: on.ipvs, Machine: on.machine, Identity: on.identity, Roles: r, Ledger: store.LedgerOf[tune.Former](s, ledgerSettings), Log: log,
		DriftPolicy: tune.DriftPolicy(c.DriftPolicy), ResyncInterval: c.ResyncInterval, Publish: publish,
	})
}

// roles tells the tuner who is active, in the tuner's words.
type roles struct{ engine *vrrp.Engine }

func (r roles) Role(instance string) tune.Role {
	if r.engine == nil {
		return tune.RoleOther
	}
	v, exists := r.engine.Status()[instance]
	switch {
	case exists && v.State == spec.InstanceActive:
		return tune.RoleActive
	case exists && v.State == spec.InstanceInitialize:
		return tune.RoleUnknown
	}
	return tune.RoleOther
}
