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
	web, mail := ServerKey{VirtualServer: "web", Address: at}, ServerKey{VirtualServer: "mail", Address: at}
	whole := Desired{
		VirtualServers: map[string]VirtualServer{"web": {}, "mail": {}},
		RealServers:    map[ServerKey]RealServer{web: {}, mail: {}},
		Groups:         map[string]Owned{"web": {}, "mail": {}},
		Drains:         map[ServerKey]Drain{web: {}, mail: {}},
		CheckScripts:   map[string]CheckScript{"gateway": {}},
	}
	part := whole.Of("web", "nonsense")
	servers := []ServerKey{web}
	got := []any{
		slices.Collect(maps.Keys(part.VirtualServers)), slices.Collect(maps.Keys(part.Groups)), slices.Collect(maps.Keys(part.RealServers)),
		slices.Collect(maps.Keys(part.Drains)), slices.Collect(maps.Keys(part.CheckScripts)),
	}
	want := []any{[]string{"web"}, []string{"web"}, servers, servers, []string{"gateway"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ServerKey) bool { return a == b })); diff != "" {
		t.Errorf("part (-want +got):\n%s", diff)
	}
	if len(whole.RealServers) != 2 {
		t.Error("taking a part changed the whole")
	}
}
