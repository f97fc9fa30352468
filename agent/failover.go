package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// routers tells the API what becomes of a failover, in the API's words.
type routers struct{ engine *vrrp.Engine }

func (r routers) Failover(ctx context.Context, name string) error {
	return inWords(r.engine.Failover(ctx, name), name)
}

func (r routers) TakePart(name string) error { return inWords(r.engine.TakePart(name), name) }

func inWords(err error, name string) error {
	switch {
	case errors.Is(err, vrrp.ErrNobodyTookOver):
		return &httpapi.Conflict{Reason: fmt.Sprintf("nobody took over from VRRP instance %q: no other router was heard, so it is active here again; see that another director has the instance and hears this one", name)}
	case errors.Is(err, vrrp.ErrNotRunning):
		return &httpapi.Conflict{Reason: fmt.Sprintf("VRRP instance %q does not run yet, or not any more: try again", name)}
	}
	return err
}
