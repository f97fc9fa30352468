package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Routers hand roles over, and hold them back.
type Routers interface {
	// Failover has a VRRP instance hand over and stay away, and returns when it has. A Conflict says why it
	// could not.
	Failover(ctx context.Context, name string) error
	// TakePart ends that: the instance takes part again as it did before.
	TakePart(name string) error
	// Hold keeps a VRRP instance, which need not exist yet, from becoming active for that long. It is a
	// Conflict when it is active.
	Hold(name string, atMost time.Duration) error
	// EndHold ends that, if it is so.
	EndHold(name string)
}

// Conflict is the refusal of a request that is right, but not as things are. It answers 409.
type Conflict struct{ Reason string }

// Error is the reason, in words for the user.
func (c *Conflict) Error() string { return c.Reason }

// registerFailover adds the hand-over of an instance and its end.
func registerFailover(h huma.API, a *api, routers Routers) {
	instances := vrrpInstances()
	const path = "/v1/vrrp-instances/{name}/failover"
	tags := []string{instances.kind.String() + "s"}
	huma.Register(h, huma.Operation{
		OperationID: "failover-vrrp-instance", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusOK,
		Summary: "Hand over and stay away until the other router leaves; 409 when nobody took over, and the role was taken back",
	}, func(ctx context.Context, in *NamePath) (*objectOutput[spec.VRRPInstance, spec.VRRPInstanceStatus], error) {
		if _, err := instances.read(ctx, a, in.Name); err != nil {
			return nil, err
		}
		if err := routers.Failover(ctx, in.Name); err != nil {
			return nil, a.refuseFailover(err, in.Name)
		}
		a.snapshots.applied.Add(1)
		a.audit(ctx, "failover", instances.kind, in.Name, "", "")
		return instances.read(ctx, a, in.Name)
	})
	huma.Register(h, huma.Operation{
		OperationID: "end-failover-vrrp-instance", Method: http.MethodDelete, Path: path, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Take part again after a failover",
	}, func(ctx context.Context, in *NamePath) (*struct{}, error) {
		if _, err := instances.read(ctx, a, in.Name); err != nil {
			return nil, err
		}
		if err := routers.TakePart(in.Name); err != nil {
			return nil, a.refuseFailover(err, in.Name)
		}
		a.snapshots.applied.Add(1)
		a.audit(ctx, "end failover", instances.kind, in.Name, "", "")
		return nil, nil
	})
}

func (a *api) refuseFailover(err error, name string) error {
	if conflict, ok := errors.AsType[*Conflict](err); ok {
		return newProblem(http.StatusConflict, conflict.Reason, nil)
	}
	return a.refuse(err, fmt.Sprintf("failover of %s %q", spec.KindVRRPInstance, name))
}
