package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestTableOfTheKernelIsAnswered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var err error
	f.handler = held(t, Config{Store: f.store, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler),
		Table: func(context.Context) (spec.IPVSTable, error) {
			return spec.IPVSTable{Services: map[string]spec.KernelService{"tcp/192.0.2.200:80": {Scheduler: "lc"}}}, err
		}})
	if got := f.want(t, http.StatusOK, "GET", "/v1/ipvs-table", ""); !strings.Contains(got, `"tcp/192.0.2.200:80":{"scheduler":"lc"`) {
		t.Errorf("answered %s", got)
	}
	err = errors.New("this kernel has no IPVS")
	if got := f.want(t, http.StatusServiceUnavailable, "GET", "/v1/ipvs-table", ""); !strings.Contains(got, "read the IPVS table: this kernel has no IPVS") {
		t.Errorf("without IPVS it answered %s", got)
	}
}
