package hook

import (
	"context"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// How many hooks are told at the same time. Those of 250 instances that change hands at once must not take the
// processors from what sends their adverts.
const (
	maxPrograms = 4
	maxWebhooks = 32
	// Those whose last attempt failed wait for one another, so that nobody else waits for what never answers.
	maxFailingPrograms = 1
	maxFailingWebhooks = 16
)

// turns are what hooks wait for before they are told.
type turns struct {
	programs, webhooks, failingPrograms, failingWebhooks chan struct{}
}

func newTurns() turns {
	return turns{programs: make(chan struct{}, maxPrograms), webhooks: make(chan struct{}, maxWebhooks),
		failingPrograms: make(chan struct{}, maxFailingPrograms), failingWebhooks: make(chan struct{}, maxFailingWebhooks)}
}

// take waits for a turn and returns what ends it.
func (t turns) take(ctx context.Context, v spec.Hook, failing bool) (end func(), err error) {
	slots := t.programs
	switch {
	case v.Webhook != nil && failing:
		slots = t.failingWebhooks
	case v.Webhook != nil:
		slots = t.webhooks
	case failing:
		slots = t.failingPrograms
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
