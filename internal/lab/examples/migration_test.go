package examples

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

const queue = vip + ":5672"

// The way that examples/migrate-from-keepalived/README.md goes, with clients that are there all the time. It runs beside
// no other test: directors that wait for a processor give their roles up.
func TestMigrationFromKeepalivedBreaksNothing(t *testing.T) {
	s := newSite(t, "migrate-from-keepalived", map[string]string{"auth_pass": "1111"})
	for _, h := range []*lab.Host{
		web(t, s.Network, "rs1", "192.0.2.21/24", []uint16{80}, vip),
		web(t, s.Network, "rs2", "192.0.2.22/24", []uint16{80}, vip),
	} {
		echo, err := h.ListenEcho(t.Context(), netip.MustParseAddrPort("0.0.0.0:5672"))
		if err != nil {
			t.Fatal(err)
		}
		background(t, echo)
	}
	k1, k2 := keepalived(t, s.d1.Host, "150"), keepalived(t, s.d2.Host, "100")
	wantActive(t, s.d1, s.d2, vip)
	s.wantAnswers(t, service, "rs1", "rs2")
	before := map[*lab.Director]string{s.d1: table(t, s.d1), s.d2: table(t, s.d2)}
	connections, err := s.client.Connect(t.Context(), netip.MustParseAddrPort(queue), 10)
	if err != nil {
		t.Fatal(err)
	}
	defer connections.Close()
	probe := s.client.NewProbe(netip.MustParseAddrPort(service), 100*time.Millisecond)
	background(t, probe)
	answered := func(when string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for range 4 { // the kernel tells the other director of a connection after its third packet
			if err := connections.WaitForAnswers(ctx); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
		if err := probe.WaitForAnswers(ctx, 5); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
	}
	answered("with keepalived")
	probe.Reset()

	kill(t, k2)
	s.start(t, s.d2)
	s.terraform(t, "apply", "-auto-approve", "-var", directorsVariable(map[*lab.Director]int{s.d2: 200}))
	wantActive(t, s.d2, s.d1, vip)
	wantTable(t, s.d2, before[s.d2])
	answered("with the agent on d2")

	kill(t, k1)
	s.start(t, s.d1)
	s.terraform(t, "apply", "-auto-approve", "-var", directorsVariable(map[*lab.Director]int{s.d1: 150, s.d2: 200}))
	wantTable(t, s.d1, before[s.d1])
	answered("with agents on both")

	s.terraform(t, "apply", "-auto-approve")
	wantActive(t, s.d1, s.d2, vip)
	answered("at the end")
	s.wantNoChanges(t)
	t.Logf("longest time between two answers %s", probe.Gap().Round(time.Millisecond))
}

// keepalived runs the example's configuration, with a priority of its own, on a director.
func keepalived(t *testing.T, h *lab.Host, priority string) *lab.Keepalived {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(folder, "migrate-from-keepalived", "keepalived.conf"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.StartKeepalived(t.Context(), strings.Replace(string(config), "priority 150", "priority "+priority, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("keepalived of %s:\n%s", h.Name(), k.Log())
		}
	})
	return k
}

func kill(t *testing.T, k *lab.Keepalived) {
	t.Helper()
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
}

// directorsVariable returns the example's variable, for agents and their priorities.
func directorsVariable(priorities map[*lab.Director]int) string {
	var entries []string
	for d, priority := range priorities {
		entries = append(entries, fmt.Sprintf("%s={endpoint=%q,priority=%d}", d.Host.Name(), d.Endpoint, priority))
	}
	return "directors={" + strings.Join(entries, ",") + "}"
}

// wantTable waits until the table is again what keepalived left.
func wantTable(t *testing.T, d *lab.Director, want string) {
	t.Helper()
	eventually(t, d.Host.Name()+" has the table that keepalived left", func() bool { return table(t, d) == want })
}
