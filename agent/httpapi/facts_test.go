package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestStatusHasTheFactsThatAreKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler),
		Facts: func() (spec.Facts, error) { return spec.Facts{KernelRelease: "6.1.0"}, errors.New("no interfaces") }})
	if got := f.want(t, http.StatusOK, "GET", "/v1/status", ""); !strings.Contains(got, `"facts":{"kernel_release":"6.1.0"}`) {
		t.Errorf("answered %s", got)
	}
}
