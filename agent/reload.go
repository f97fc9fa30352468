package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
)

// reloadTimeout bounds the wait for a part that is at work.
const reloadTimeout = 10 * time.Second

// Reload takes over what can change of a configuration while the agent runs (config.Reloadable), and returns the names of
// the settings that are others than those that it runs with and take another process. It reads certificates and tokens
// again, too; what cannot be read stays as it was. These are read again by themselves, soon after they changed: this is for
// who wants to know at once whether they are right.
func (a *Agent) Reload(ctx context.Context, c config.Config) (left []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	a.reloaded.Store(&c)
	errs := []error{a.balancer.SetDriftPolicy(ctx, balance.DriftPolicy(c.DriftPolicy))}
	a.tuner.SetDriftPolicy(tune.DriftPolicy(c.DriftPolicy))
	if a.tokens != nil {
		errs = append(errs, a.tokens.Reload())
	}
	for _, s := range a.servers {
		s.Limit(c.Limits.Connections)
		errs = append(errs, s.Reload())
	}
	return slices.DeleteFunc(a.config.Changed(c), config.Reloadable), errors.Join(errs...)
}
