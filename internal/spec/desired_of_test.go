package spec

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPartOfWhatIsDesiredIsAboutItsVirtualServersAndWhatIsAboutNone(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("192.0.2.21:80")
	whole := Desired{
		VirtualServers: map[string]VirtualServer{"web": {}, "mail": {}},
		RealServers:    Servers[RealServer]{"web": {at: {}}, "mail": {at: {}}},
		Groups:         map[string]Owned{"web": {}, "mail": {}},
		Drains:         Servers[Drain]{"web": {at: {}}, "mail": {at: {}}},
		CheckScripts:   map[string]CheckScript{"gateway": {}},
	}
	part := whole.Of("web", "nonsense")
	servers := []ServerKey{{VirtualServer: "web", Address: at}}
	got := []any{
		slices.Collect(maps.Keys(part.VirtualServers)), slices.Collect(maps.Keys(part.Groups)), part.RealServers.keys(),
		part.Drains.keys(), slices.Collect(maps.Keys(part.CheckScripts)),
	}
	want := []any{[]string{"web"}, []string{"web"}, servers, servers, []string{"gateway"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ServerKey) bool { return a == b })); diff != "" {
		t.Errorf("part (-want +got):\n%s", diff)
	}
	if whole.RealServers.Count() != 2 {
		t.Error("taking a part changed the whole")
	}
}
