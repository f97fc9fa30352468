package hook

import (
	"context"
	"errors"
	"net/http"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Network is the Teller of an agent at work: it starts programs and sends requests.
type Network struct {
	sandbox *sandbox.Sandbox
	client  *http.Client
}

// NewNetwork returns a Network that runs programs in a sandbox.
func NewNetwork(s *sandbox.Sandbox) *Network {
	return &Network{sandbox: s, client: client(nil)}
}

// Tell implements Teller.
func (w *Network) Tell(ctx context.Context, id spec.HookID, v spec.Hook, n spec.Notification) (Result, error) {
	if v.Webhook != nil {
		return w.post(ctx, id, v, n)
	}
	return w.run(ctx, v, n)
}

// run runs a hook's program. One that came to its end has been told, whatever its exit status, and so has one that
// took too long: nobody knows what it has done already, and many old scripts exit with anything.
func (w *Network) run(ctx context.Context, v spec.Hook, n spec.Notification) (Result, error) {
	body, err := spec.Encode(n)
	if err != nil {
		return Refused, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, v.Timeout.Std(), tooLong(v.Timeout))
	defer cancel()
	err = w.sandbox.Run(limited, sandbox.Command{
		Line: append(v.Command[:len(v.Command):len(v.Command)], arguments(v.Style, n)...), Environment: environment(n), Input: body,
	})
	if _, unstarted := errors.AsType[*sandbox.StartError](err); unstarted || ctx.Err() != nil && err != nil {
		return Untold, err
	}
	return Told, err
}

// tooLong is why a hook's context ended.
type tooLong spec.Duration

func (d tooLong) Error() string { return "not done within " + spec.Duration(d).String() }

// Silent is the Teller of an agent that touches nothing outside itself.
type Silent struct{}

// Tell implements Teller: all are told, and none hears it.
func (Silent) Tell(context.Context, spec.HookID, spec.Hook, spec.Notification) (Result, error) {
	return Told, nil
}
