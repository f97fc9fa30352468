package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// follow reads events into lines until the line comes that is the last.
func (r *running) follow(t *testing.T, since uint64, last string) (lines []string, revision uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := client.New(client.Config{Name: "d1", Endpoint: "http://" + r.Address().String()})
	if err != nil {
		t.Fatal(err)
	}
	revision = since
	for e, err := range c.Events(ctx, since) {
		if err != nil {
			t.Fatalf("%v after\n%s", err, strings.Join(lines, "\n"))
		}
		if revision++; e.Revision != revision {
			t.Errorf("revision %d, want %d", e.Revision, revision)
		}
		lines = append(lines, line(e))
		if lines[len(lines)-1] == last {
			return lines, revision
		}
	}
	t.Fatalf("the stream ended before %q, after\n%s", last, strings.Join(lines, "\n"))
	return nil, 0
}

func line(e spec.Event) string {
	text := strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Type, string(e.Kind), e.Name, e.Server))
	switch {
	case e.State != nil:
		text += fmt.Sprintf(" %s>%s", e.State.From, e.State.To)
	case e.Spec != nil && e.Spec.ETag == "":
		text += " deleted"
	case e.Drift != nil:
		text += " " + e.Drift.Field
	}
	return strings.Join(strings.Fields(text), " ")
}

func TestEventsTellTheWholeStory(t *testing.T) {
	t.Parallel()
	table := ipvs.NewFake()
	r := run(t, withTable(t, table))
	r.put(t, "/v1/check-scripts/gateway", script)
	r.eventually(t, `"passing":true`)
	r.put(t, "/v1/vrrp-instances/web", strings.Replace(instance, "10ms", "200ms", 1)) // a busy machine must not make it leave its role
	r.follow(t, 0, "state_changed vrrp_instance web backup>active")                   // which is told a little later than the status shows it
	r.put(t, "/v1/virtual-servers/web", service)
	r.put(t, "/v1/virtual-servers/web/real-servers/192.0.2.21:8080", `{"weight":7}`)
	r.eventually(t, `"healthy":true,"weight":7`)
	if status, answer := r.call(t, http.MethodPost, "/v1/vrrp-instances/web/failover", ""); status != http.StatusConflict {
		t.Errorf("failover answered %d %s", status, answer)
	}
	r.eventually(t, `"state":"active"`)
	table.Edit(func(all ipvs.Table) {
		for _, s := range all {
			for at, d := range s.Destinations {
				d.Weight = 9
				s.Destinations[at] = d
			}
		}
	})
	if status, answer := r.call(t, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:8080", `{"weight":7}`); status != http.StatusOK {
		t.Errorf("PUT answered %d: %s", status, answer)
	}
	r.follow(t, 0, "drift_repaired real_server web 192.0.2.21:8080 weight")
	if status, answer := r.call(t, http.MethodDelete, "/v1/virtual-servers/web?cascade=true", ""); status != http.StatusNoContent {
		t.Errorf("DELETE answered %d: %s", status, answer)
	}
	got, revision := r.follow(t, 0, "spec_changed real_server web 192.0.2.21:8080 deleted")
	want := []string{
		"agent_started d1",
		"spec_changed check_script gateway",
		"state_changed check_script gateway >passing",
		"spec_changed vrrp_instance web",
		"state_changed vrrp_instance web initialize>backup",
		"state_changed vrrp_instance web backup>active",
		"spec_changed virtual_server web",
		"spec_changed real_server web 192.0.2.21:8080",
		"state_changed real_server web 192.0.2.21:8080 >healthy",
		"state_changed virtual_server web down>up",
		"failover_begun vrrp_instance web",
		"state_changed vrrp_instance web active>initialize",
		"state_changed vrrp_instance web initialize>active",
		"failover_ended vrrp_instance web",
		"drift_noticed real_server web 192.0.2.21:8080 weight",
		"drift_repaired real_server web 192.0.2.21:8080 weight",
		"spec_changed virtual_server web deleted",
		"spec_changed real_server web 192.0.2.21:8080 deleted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, again := r.follow(t, revision-2, "spec_changed real_server web 192.0.2.21:8080 deleted"); again != revision {
		t.Errorf("a reader that comes back ends at %d, want %d", again, revision)
	}
	if _, status := r.call(t, http.MethodGet, "/v1/status", ""); !strings.Contains(status, fmt.Sprintf(`"events":{"revision":%d,"compacted":0}`, revision)) {
		t.Errorf("the last event is not %d in %s", revision, status)
	}
}

// A restart is seen by whoever follows: its cursor is gone, unless nothing happened since; then the next
// event says that the agent was started.
func TestEventsGoOnCountingAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	open := func() *Agent {
		s, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		a := &Agent{config: memoryConfig(t), version: "test", log: slog.New(slog.DiscardHandler), store: s}
		if a.plane, err = openDataplane(a.config, a.store, a.log); err != nil {
			t.Fatal(err)
		}
		a.openEvents()
		a.assemble()
		return a
	}
	first := open()
	first.events.Publish(make([]spec.Event, 3)...)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open()
	if err := second.listen(); err != nil {
		t.Fatal(err)
	}
	r := run(t, second)
	if got, _ := r.follow(t, 3, "agent_started d1"); len(got) != 1 {
		t.Errorf("after the last event came %q", got)
	}
	c, err := client.New(client.Config{Name: "d1", Endpoint: "http://" + r.Address().String()})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Events(t.Context(), 2) {
		if !client.IsStatus(err, http.StatusGone) {
			t.Errorf("a cursor of before: %v, want 410", err)
		}
		break
	}
}

func TestStopEndsThoseWhoFollow(t *testing.T) {
	t.Parallel()
	a, err := New(memoryConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	c, err := client.New(client.Config{Name: "d1", Endpoint: "http://" + a.Address().String()})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range c.Events(t.Context(), 0) {
		if err != nil {
			t.Errorf("the stream ended with %v, want in order", err)
			break
		}
		n++
		stop()
	}
	if n == 0 {
		t.Error("there was no event")
	}
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
