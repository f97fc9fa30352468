package httpapi

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi/apitest"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// What a route answers is compared with the document by every test of the fixture (see newFixture).
func TestTheDocumentHasEveryRoute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Log: slog.New(slog.DiscardHandler), Routers: &fakeRouters{}, Events: event.New(3, 0), Version: "test",
		Table: func(context.Context) (spec.IPVSTable, error) { return spec.IPVSTable{}, nil }})
	var got []string
	for path, operations := range apitest.Read(t, f.handler).Paths {
		for method := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(got)
	want := []string{
		"DELETE /v1/check-scripts/{name}", "DELETE /v1/ipvs-settings", "DELETE /v1/virtual-servers/{name}", "DELETE /v1/virtual-servers/{name}/real-servers",
		"DELETE /v1/virtual-servers/{name}/real-servers/{server}", "DELETE /v1/virtual-servers/{name}/real-servers/{server}/drain",
		"DELETE /v1/vrrp-instances/{name}", "DELETE /v1/vrrp-instances/{name}/failover",
		"GET /livez", "GET /metrics", "GET /readyz", "GET /v1/backup", "GET /v1/check-scripts", "GET /v1/check-scripts/{name}", "GET /v1/events",
		"GET /v1/ipvs-settings", "GET /v1/ipvs-table", "GET /v1/openapi.json", "GET /v1/snapshot", "GET /v1/status", "GET /v1/virtual-servers",
		"GET /v1/virtual-servers/{name}", "GET /v1/virtual-servers/{name}/real-servers", "GET /v1/virtual-servers/{name}/real-servers/{server}",
		"GET /v1/vrrp-instances", "GET /v1/vrrp-instances/{name}",
		"POST /v1/virtual-servers/{name}/real-servers/{server}/drain", "POST /v1/vrrp-instances/{name}/failover",
		"PUT /v1/check-scripts/{name}", "PUT /v1/ipvs-settings", "PUT /v1/virtual-servers/{name}", "PUT /v1/virtual-servers/{name}/real-servers",
		"PUT /v1/virtual-servers/{name}/real-servers/{server}", "PUT /v1/vrrp-instances/{name}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}
