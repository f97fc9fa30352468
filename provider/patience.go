package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// defaultTimeout is how long a change may take where nobody says otherwise. A director that does not answer is
// given up long before, and a drain_timeout usually ends a destroy.
const defaultTimeout = 20 * time.Minute

// patience is how long the changes of an object may take.
type patience struct {
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (p *patience) limits() (timeouts.Value, string) { return p.Timeouts, "timeouts" }

const timeoutTail = ", such as `90s`; the default is `20m`."

func timeoutsAttribute(ctx context.Context) schema.Attribute {
	return timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, Update: true, Delete: true,
		CreateDescription: "How long the directors have to make the object" + timeoutTail + " Then what was made is deleted again.",
		UpdateDescription: "How long the directors have to change it" + timeoutTail + " Then the state says how far it went, and the next apply goes on. A change of a " +
			"virtual router that deafens directors is not given up halfway.",
		DeleteDescription: "How long a destroy waits for the directors, and for the connections of real servers to end" + timeoutTail + " When it is over, the destroy " +
			"fails, the directors go on waiting until the `drain_timeout`, and the next destroy finds out how far they are.",
	})
}

// within bounds a change by the model's timeout for it; verb is Create, Update or Delete. The function that it
// returns is called at the end, and says so when the time was over.
func (r *clusterResource[Spec, State, M]) within(ctx context.Context, diags *diag.Diagnostics, m M, verb string,
	timeout func(timeouts.Value, context.Context, time.Duration) (time.Duration, diag.Diagnostics),
) (_ context.Context, limit time.Duration, end func()) {
	of, attribute := m.limits()
	limit, problems := timeout(of, ctx, defaultTimeout)
	diags.Append(problems...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	return ctx, limit, func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && diags.HasError() {
			diags.AddError(r.unableTo(verb), fmt.Sprintf("It took longer than %s: see what the other errors say, or raise %s.", limit, attribute))
		}
		cancel()
	}
}
