package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// routers tells the API what becomes of a failover or a hold, in the API's words.
type routers struct{ engine *vrrp.Engine }

func (r routers) Failover(ctx context.Context, name string) error {
	return inWords(r.engine.Failover(ctx, name), name)
}

func (r routers) TakePart(name string) error { return inWords(r.engine.TakePart(name), name) }

func (r routers) Hold(name string, atMost time.Duration) error {
	return inWords(r.engine.Hold(name, atMost), name)
}

func (r routers) EndHold(name string) { r.engine.EndHold(name) }

func inWords(err error, name string) error {
	switch {
	case errors.Is(err, vrrp.ErrNobodyTookOver):
		return &httpapi.Conflict{Reason: fmt.Sprintf("nobody took over from VRRP instance %q: no other router was heard, so it is active here again; see that another director has the instance and hears this one", name)}
	case errors.Is(err, vrrp.ErrActive):
		return &httpapi.Conflict{Reason: fmt.Sprintf("VRRP instance %q is active here, so it cannot be held back: hold the others and change this director last", name)}
	case errors.Is(err, vrrp.ErrNotRunning):
		return &httpapi.Conflict{Reason: fmt.Sprintf("VRRP instance %q does not run yet, or not any more: try again", name)}
	}
	return err
}
