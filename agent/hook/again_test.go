package hook

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Whoever goes on, the same Hooks or those of the next process, tells what is left to tell, and nothing twice.
func TestHooksGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	s, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := newDirector(t, s, map[string]spec.Hook{"all": script(nil)})
	fails := atomic.Bool{}
	teller := &recorder{answer: func(context.Context, spec.HookID, spec.Notification) (Result, error) {
		if fails.Load() {
			return Untold, errors.New("connection refused")
		}
		return Told, nil
	}}
	h := d.hooks(teller)
	stop := running(t, h)
	d.log.Publish(instanceBecame("backup"))
	await(func() bool { return len(teller.lines()) == 1 })
	stop()
	d.log.Publish(instanceBecame("active"))
	fails.Store(true)
	stop = running(t, h)
	await(func() bool { return len(teller.lines()) > 1 })
	stop()
	untold := len(teller.lines())
	fails.Store(false)
	stop = running(t, h)
	await(func() bool { return len(teller.lines()) == untold+1 })
	stop()
	d.log.Publish(instanceBecame("fault"))
	next := d.hooks(teller)
	next.GoOn(h.Taken())
	stop = running(t, next)
	await(func() bool { return len(teller.lines()) == untold+2 })
	stop()

	var told []string
	for _, line := range teller.lines() {
		if line != "vrrp_instance/web/all untold active" {
			told = append(told, line)
		}
	}
	want := []string{"vrrp_instance/web/all told backup", "vrrp_instance/web/all told active", "vrrp_instance/web/all told fault"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
