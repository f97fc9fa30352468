package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxHold bounds how long a director stays out on behalf of a client that may be gone.
const maxHold = time.Hour

// instancePut is a PUT of a VRRP instance.
type instancePut struct {
	NamePath
	PutOptions
	Hold string `query:"hold" doc:"a duration, at most 1h: the instance takes no role for that long, or until the next PUT without hold. So a backup that the change makes deaf to the active director does not become active beside it. 409 when the instance is active here"`
}

func (in instancePut) put() (request, []byte) {
	r, body := in.PutOptions.put()
	r.hold = in.Hold
	return r, body
}

// beginHold holds back what a request is about to change, if it says so.
func (a *api) beginHold(key string, r request) error {
	if r.hold == "" {
		return nil
	}
	atMost, err := time.ParseDuration(r.hold)
	if err != nil || atMost <= 0 || atMost > maxHold {
		return newProblem(http.StatusBadRequest, fmt.Sprintf("hold: %q is not a duration of at most %s: write 30s", r.hold, spec.Duration(maxHold)), nil)
	}
	if a.routers == nil {
		return newProblem(http.StatusNotImplemented, "hold: no VRRP instance runs here", nil)
	}
	if r.dryRun {
		return nil
	}
	err = a.routers.Hold(key, atMost)
	if conflict, ok := errors.AsType[*Conflict](err); ok {
		return newProblem(http.StatusConflict, conflict.Reason, nil)
	}
	return a.refuse(err, fmt.Sprintf("hold %s %q", spec.KindVRRPInstance, key))
}

// endHold ends what a request began.
func (a *api) endHold(kind spec.Kind, key string) {
	if kind == spec.KindVRRPInstance && a.routers != nil {
		a.routers.EndHold(key)
	}
}
