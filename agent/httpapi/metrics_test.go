package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// busyDirector has two services with traffic.
type busyDirector struct{ fakeDirector }

func (*busyDirector) Status(context.Context) spec.Status {
	carried := spec.Traffic{Total: spec.TrafficCounts{Connections: 1 << 33, IncomingPackets: 2, OutgoingPackets: 3, IncomingBytes: 4, OutgoingBytes: 5}}
	web := spec.Identity{Address: netip.MustParseAddr("2001:db8::100"), Port: 80, Protocol: spec.TCP}
	return spec.Status{VirtualServers: map[string]spec.VirtualServerStatus{
		"web": {Identity: web, Traffic: carried, RealServers: map[string]spec.RealServerStatus{
			"[2001:db8::21]:80": {Traffic: carried, PersistentConnections: 7},
		}},
		"marked": {Identity: spec.Identity{FirewallMark: 5, Family: spec.IPv4}, Traffic: carried},
	}}
}

func TestTrafficHasTheLabelsThatOperatorsKnow(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	MetricsHandler(&busyDirector{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`lvs_virtual_server_connections_total{local_address="2001:db8::100",local_mark="",local_port="80",proto="TCP",virtual_server="web"} 8.589934592e+09`,
		`lvs_virtual_server_incoming_bytes_total{local_address="",local_mark="5",local_port="",proto="FWM",virtual_server="marked"} 4`,
		`lvs_real_server_outgoing_packets_total{local_address="2001:db8::100",local_mark="",local_port="80",proto="TCP",remote_address="2001:db8::21",remote_port="80",virtual_server="web"} 3`,
		`lvs_real_server_persistent_connections{real_server="[2001:db8::21]:80",virtual_server="web"} 7`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("want %s in\n%s", want, w.Body)
		}
	}
}
