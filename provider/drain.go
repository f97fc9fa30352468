package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// defaultDeleteTimeout is how long a destroy waits where nobody says otherwise. The drain_timeout usually ends
	// it long before.
	defaultDeleteTimeout = 20 * time.Minute
	// drainPoll is how often a director is asked whether an object is gone.
	drainPoll = 500 * time.Millisecond
)

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	return timeouts.Attributes(ctx, timeouts.Opts{
		Delete: true,
		DeleteDescription: "How long a destroy waits for the connections to end, such as `90s`; the default is `20m`. When it is over, the destroy fails, " +
			"the directors go on waiting until the `drain_timeout`, and the next destroy finds out how far they are.",
	})
}

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

// patient is a model of objects that drain.
type patient interface{ patience() timeouts.Value }

// awaitGone waits until an object that was removed is gone from the directors, and returns the failures.
func (r *clusterResource[Spec, State, M]) awaitGone(ctx context.Context, diags *diag.Diagnostics, m M, directors []*director) map[string]error {
	waiting, ok := any(m).(patient)
	if !r.kind.drains || !ok {
		return nil
	}
	limit, problems := waiting.patience().Delete(ctx, defaultDeleteTimeout)
	diags.Append(problems...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
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
