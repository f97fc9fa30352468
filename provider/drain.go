package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// drainPoll is how often a director is asked whether an object is gone.
const drainPoll = 500 * time.Millisecond

// lookLeaving finds an object that was removed and is there until its connections have ended. It counts as
// existing: a destroy that was given up is to wait on, and whoever wants the object still takes it back.
func (k kind[Spec, State]) lookLeaving(ctx context.Context, d *director, key string) (observation[Spec], error) {
	object, err := k.collection(d.client).Get(ctx, key)
	if client.IsStatus(err, http.StatusNotFound) {
		return observation[Spec]{}, nil
	}
	leaving := spec.Drift{Kind: k.kind, Name: key, Field: "leaving", Actual: "true", Want: "false"}
	return observation[Spec]{spec: object.Spec, exists: err == nil, kernel: []spec.Drift{leaving}}, err
}

// awaitGone waits until an object that was removed is gone from the directors, and returns the failures. The
// limit is that of the context.
func (r *clusterResource[Spec, State, M]) awaitGone(ctx context.Context, m M, directors []*director, limit time.Duration) map[string]error {
	if !r.kind.drains {
		return nil
	}
	return each(ctx, directors, func(ctx context.Context, d *director) (struct{}, error) {
		return struct{}{}, r.kind.awaitGone(ctx, d, m.key(), limit)
	}).errs()
}

func (k kind[Spec, State]) awaitGone(ctx context.Context, d *director, key string, limit time.Duration) error {
	last := ""
	for {
		object, err := k.collection(d.client).Get(ctx, key)
		switch {
		case client.IsStatus(err, http.StatusNotFound):
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("director %s: %s %q was not gone after %s%s: destroy it again to wait on, or raise timeouts.delete", d.name, k.kind, key, limit, last)
		case err != nil:
			return err
		}
		if leaving, ok := any(object.Status).(interface{ Leaving() string }); ok {
			last = " (" + leaving.Leaving() + ")"
		}
		select {
		case <-ctx.Done():
		case <-time.After(drainPoll):
		}
	}
}
