package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const twoEvents = ": events after 16\nretry: 1000\n\n" +
	"id: 17\nevent: state_changed\ndata: {\"revision\":17,\"type\":\"state_changed\",\"kind\":\"vrrp_instance\",\"name\":\"web\",\"state\":{\"from\":\"backup\",\"to\":\"active\"},\"newer\":true}\n\n" +
	":\n\n" +
	"id: 18\nevent: agent_started\ndata: {\"revision\":18,\"type\":\"agent_started\"}\n\n"

// collect reads a stream to its end.
func collect(ctx context.Context, c *Client, since uint64) (events []spec.Event, err error) {
	for e, err := range c.Events(ctx, since) {
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

func TestEventsAreReadUntilTheStreamEnds(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.RequestURI() + " " + r.Header.Get("Authorization"); got != "/v1/events?since=16 Bearer letmein" {
			t.Errorf("asked for %s", got)
		}
		answer(http.StatusOK, "text/event-stream", twoEvents)(w, r)
	})
	got, err := collect(t.Context(), c, 16)
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Event{
		{Revision: 17, Type: spec.EventStateChanged, Kind: spec.KindVRRPInstance, Name: "web", State: &spec.StateChange{From: "backup", To: "active"}},
		{Revision: 18, Type: spec.EventAgentStarted},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEventsThatEndBadlySayWhy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		events int
		is     func(error) bool
	}{
		"gone": {answer(http.StatusGone, problemJSON, `{"title":"Gone","status":410,"detail":"they are gone"}`), 0,
			func(err error) bool { return IsStatus(err, http.StatusGone) }},
		"no agent":     {answer(http.StatusOK, "text/html", "<html>"), 0, func(err error) bool { return IsStatus(err, http.StatusOK) }},
		"no event":     {answer(http.StatusOK, "text/event-stream", "data: {\n\n"), 0, func(err error) bool { return IsStatus(err, http.StatusOK) }},
		"broken off":   {breakOff, 1, IsUnreachable},
		"too long":     {func(w http.ResponseWriter, _ *http.Request) { tooLong(w) }, 0, IsUnreachable},
		"a closed TCP": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, IsUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := collect(t.Context(), newClient(t, tt.answer), 0)
			if err == nil || !tt.is(err) || len(events) != tt.events {
				t.Errorf("%d events, then %v", len(events), err)
			}
		})
	}
}

// breakOff breaks the connection after an event.
func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: {\"revision\":1}\n\n") // the client reads
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func tooLong(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write(make([]byte, 2*maxEvent)) // the client may leave
}

func TestEventsEndWithTheContextAndWithTheCaller(t *testing.T) {
	t.Parallel()
	left := make(chan struct{}, 2)
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, twoEvents) // the client reads
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		left <- struct{}{}
	})
	for _, err := range c.Events(t.Context(), 0) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	<-left
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range c.Events(ctx, 0) {
		if n++; n == 2 {
			cancel()
		}
		if n == 3 && !errors.Is(err, context.Canceled) || n > 3 {
			t.Errorf("%d: error %v", n, err)
		}
	}
	<-left
}
