package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestEventIsALine(t *testing.T) {
	t.Parallel()
	web := spec.Event{Kind: spec.KindVRRPInstance, Name: "web"}
	server := spec.Event{Kind: spec.KindRealServer, Name: "web", Server: "192.0.2.21:80"}
	drift := &spec.DriftEvent{Field: "weight", Actual: "9", Want: "1"}
	for want, e := range map[string]spec.Event{
		"agent started on d1": {Type: spec.EventAgentStarted, Name: "d1"},
		"vrrp instance web: backup -> active, priority 150, active router 192.0.2.11": with(web, func(e *spec.Event) {
			e.Type, e.State = spec.EventStateChanged, &spec.StateChange{From: "backup", To: "active", EffectivePriority: 150, ActiveRouter: "192.0.2.11"}
		}),
		"vrrp instance web: active -> fault, priority 150: interface eth0 is down": with(web, func(e *spec.Event) {
			e.Type, e.Reason, e.State = spec.EventStateChanged, "interface eth0 is down", &spec.StateChange{From: "active", To: "fault", EffectivePriority: 150}
		}),
		"vrrp instance web: failover begun": with(web, func(e *spec.Event) { e.Type = spec.EventFailoverBegun }),
		"vrrp instance web: failover ended": with(web, func(e *spec.Event) { e.Type = spec.EventFailoverEnded }),
		"vrrp instance web: adverts of 192.0.2.12 do not match: address_list": with(web, func(e *spec.Event) {
			e.Type, e.Oddity = spec.EventOdditySeen, &spec.OddityEvent{Oddity: "address_list", Source: "192.0.2.12"}
		}),
		"vrrp instance web: spec changed, revision 17": with(web, func(e *spec.Event) {
			e.Type, e.Spec = spec.EventSpecChanged, &spec.ObjectChange{Revision: 17, ETag: "x"}
		}),
		"vrrp instance web: deleted, revision 17": with(web, func(e *spec.Event) { e.Type, e.Spec = spec.EventSpecChanged, &spec.ObjectChange{Revision: 17} }),
		"real server web/192.0.2.21:80: unhealthy: connection refused": with(server, func(e *spec.Event) {
			e.Type, e.Reason, e.State = spec.EventStateChanged, "connection refused", &spec.StateChange{To: "unhealthy"}
		}),
		"real server web/192.0.2.21:80: somebody else changed it: weight=9, want 1": with(server, func(e *spec.Event) { e.Type, e.Drift = spec.EventDriftNoticed, drift }),
		"real server web/192.0.2.21:80: repaired: weight=1 was 9":                   with(server, func(e *spec.Event) { e.Type, e.Drift = spec.EventDriftRepaired, drift }),
		"real server web/192.0.2.21:80: maintenance begun":                          with(server, func(e *spec.Event) { e.Type, e.Drain = spec.EventDrainBegun, spec.Drain{}.State() }),
		"real server web/192.0.2.21:80: removal ended: removed": with(server, func(e *spec.Event) {
			e.Type, e.Reason, e.Drain = spec.EventDrainEnded, "removed", spec.Drain{Server: &spec.RealServer{}}.State()
		}),
		"vrrp instance: events_lost: 3 of them": {Type: spec.EventLost, Kind: spec.KindVRRPInstance, Reason: "3 of them"},
		"dropped: too slow":                     {Type: spec.EventDropped, Reason: "too slow"},
	} {
		e.Time = time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.Local)
		var got strings.Builder
		if err := printEvent(&got, e); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("2026-01-02 03:04:05.006  "+want+"\n", got.String()); diff != "" {
			t.Errorf("printed (-want +got):\n%s", diff)
		}
	}
}

func with(e spec.Event, change func(*spec.Event)) spec.Event {
	change(&e)
	return e
}

func TestFollowerGoesOnWhereTheConnectionBrokeAndSaysWhatWasLost(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var asked []string
	director := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			fmt.Fprint(w, `{"version":"1.0.0","events":{"revision":9,"compacted":7}}`)
			return
		}
		since := r.URL.Query().Get("since")
		if asked = append(asked, since); len(asked) > 4 {
			cancel()
			return
		}
		switch since {
		case "1": // an event, and the connection breaks
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"revision\":2,\"type\":\"agent_started\",\"name\":\"d1\"}\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "2": // meanwhile too much has happened
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusGone)
		case "7": // in order
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"revision\":8,\"type\":\"agent_started\",\"name\":\"d1\"}\n\n")
		case "8":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer director.Close()
	c, err := client.New(client.Config{Name: "d1", Endpoint: director.URL})
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	f := follower{director: c, after: 1, out: &out, complain: &complaints, print: printJSON}
	if err := f.run(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2", "7", "8", "8"}, asked); diff != "" {
		t.Errorf("asked for events since (-want +got):\n%s", diff)
	}
	if got := strings.Count(out.String(), "agent_started"); got != 2 {
		t.Errorf("printed %d events, want 2:\n%s", got, out.String())
	}
	for _, want := range []string{"trying again", "events were lost: those from 3 to 7 are gone"} {
		if strings.Count(complaints.String(), want) == 0 {
			t.Errorf("%q is not said in\n%s", want, complaints.String())
		}
	}
}

func TestFollowerGivesUpOnADirectorThatItNeverMet(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"refused": http.StatusUnauthorized, "silent": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			director := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(status)
			}))
			defer director.Close()
			c, err := client.New(client.Config{Name: "d1", Endpoint: director.URL})
			if err != nil {
				t.Fatal(err)
			}
			f := follower{director: c, out: &bytes.Buffer{}, complain: &bytes.Buffer{}, print: printEvent}
			if err := f.run(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}
