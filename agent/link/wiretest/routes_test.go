package wiretest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// ours are the routes with our mark, as ip prints them.
func ours(t *testing.T, h *lab.Host) string {
	t.Helper()
	var lines []string
	for _, family := range []string{"-4", "-6"} {
		out, err := h.Output(t.Context(), "ip", family, "route", "show", "table", "all", "proto", "112")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			words := strings.Fields(line)
			for i, w := range words {
				if w == "pref" { // a word that IPv6 has and nobody asked for
					words = words[:i]
					break
				}
			}
			lines = append(lines, strings.Join(words, " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func route(destination string, change func(*spec.VirtualRoute)) spec.VirtualRoute {
	r := spec.VirtualRoute{Destination: netip.MustParsePrefix(destination), Interface: "eth0", Table: 254}
	if change != nil {
		change(&r)
	}
	return r
}

func TestKernel_OurRoutesAreFoundAmongManyOthers(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	var batch strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&batch, "route add 10.%d.%d.%d/32 dev eth0\n", i>>16, i>>8&255, i&255)
	}
	file := filepath.Join(t.TempDir(), "routes")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, h, "ip", "-batch", file)
	mine := []spec.VirtualRoute{route("198.51.100.0/24", nil)}
	for range 3 { // the first time it is missing
		begun := time.Now()
		if err := k.EnsureRoutes(mine); err != nil {
			t.Fatal(err)
		}
		t.Logf("put, or found among 20000, in %s", time.Since(begun))
	}
	if err := k.RetainRoutes(nil); err != nil {
		t.Fatal(err)
	}
	if got := ours(t, h); got != "" {
		t.Errorf("left: %s", got)
	}
}

func TestKernel_RoutesOfEveryKind(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24", "192.0.2.12/24", "2001:db8::11/64")
	k := open(t, h, &link.MemoryLedger{})
	run(t, h, "ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.254")
	via := netip.MustParseAddr("192.0.2.1")
	all := []spec.VirtualRoute{
		route("0.0.0.0/0", func(r *spec.VirtualRoute) { r.Via = via }),
		route("198.51.100.0/24", nil),
		route("198.51.100.0/24", func(r *spec.VirtualRoute) { r.Via, r.Metric = via, 50 }),
		route("198.51.101.0/24", func(r *spec.VirtualRoute) { r.Via, r.Source, r.Table = via, netip.MustParseAddr("192.0.2.12"), 100 }),
		route("2001:db8:1::/48", func(r *spec.VirtualRoute) { r.Via = netip.MustParseAddr("2001:db8::1") }),
	}
	for range 2 {
		if err := k.EnsureRoutes(all); err != nil {
			t.Fatal(err)
		}
		want := `198.51.100.0/24 dev eth0 scope link
198.51.100.0/24 via 192.0.2.1 dev eth0 metric 50
198.51.101.0/24 via 192.0.2.1 dev eth0 table 100 src 192.0.2.12
2001:db8:1::/48 via 2001:db8::1 dev eth0 metric 1024
default via 192.0.2.1 dev eth0`
		if diff := cmp.Diff(want, ours(t, h)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}

	// The same destination over another router is the same route, changed.
	all[0].Via = netip.MustParseAddr("192.0.2.2")
	if err := k.EnsureRoutes(all[:1]); err != nil {
		t.Error(err)
	}
	if got := ours(t, h); !strings.Contains(got, "default via 192.0.2.2 dev eth0") || strings.Contains(got, "default via 192.0.2.1 ") {
		t.Errorf("routes:\n%s", got)
	}

	// One of somebody else's is neither taken over nor removed, and keeps no other from being put.
	foreign := []spec.VirtualRoute{route("203.0.113.0/24", func(r *spec.VirtualRoute) { r.Via = via }), route("198.51.102.0/24", nil)}
	if err := k.EnsureRoutes(foreign); err == nil || !strings.Contains(err.Error(), "not ours") {
		t.Errorf("error %v", err)
	}
	if got := ours(t, h); !strings.Contains(got, "198.51.102.0/24") || strings.Contains(got, "203.0.113.0/24") {
		t.Errorf("routes:\n%s", got)
	}
	for range 2 {
		if err := k.RemoveRoutes(append(foreign, all[1], all[4])); err != nil {
			t.Error(err)
		}
	}
	if err := k.RetainRoutes(all[:1]); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("default via 192.0.2.2 dev eth0", ours(t, h)); diff != "" {
		t.Errorf("retained (-want +got):\n%s", diff)
	}
	left, err := h.Output(t.Context(), "ip", "route", "show", "203.0.113.0/24")
	if err != nil || !strings.Contains(left, "via 192.0.2.254") {
		t.Errorf("somebody else's route is %q, %v", left, err)
	}
	if err := k.RemoveRoutes([]spec.VirtualRoute{{Destination: netip.MustParsePrefix("198.51.100.0/24"), Interface: "eth7", Table: 254}}); err != nil {
		t.Errorf("remove from an interface that is gone: %v", err)
	}
}
