package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fakeRouters fail as they are told, and remember what they were asked for.
type fakeRouters struct {
	err   error
	asked []string
}

func (f *fakeRouters) Failover(_ context.Context, name string) error {
	f.asked = append(f.asked, "failover "+name)
	return f.err
}

func (f *fakeRouters) TakePart(name string) error {
	f.asked = append(f.asked, "take part "+name)
	return f.err
}

func (f *fakeRouters) Hold(name string, atMost time.Duration) error {
	f.asked = append(f.asked, "hold "+name+" "+atMost.String())
	return f.err
}

func (f *fakeRouters) EndHold(name string) { f.asked = append(f.asked, "end hold "+name) }

func TestFailoverAnswersWithTheInstanceOrTheReason(t *testing.T) {
	t.Parallel()
	const path = instancePath + "/failover"
	for name, test := range map[string]struct {
		err           error
		method        string
		status        int
		answer, asked string
	}{
		"done":             {nil, "POST", http.StatusOK, `"status":{"state":"active"`, "failover web"},
		"nobody took over": {&Conflict{"nobody took over"}, "POST", http.StatusConflict, `"detail":"nobody took over"`, "failover web"},
		"broken":           {errors.New("no thread"), "POST", http.StatusInternalServerError, "no thread", "failover web"},
		"undone":           {nil, "DELETE", http.StatusNoContent, "", "take part web"},
		"not undone":       {&Conflict{"not yet"}, "DELETE", http.StatusConflict, "not yet", "take part web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, routers := newFixture(t), &fakeRouters{err: test.err}
			f.handler = held(t, Config{Store: f.store, Director: f, Routers: routers, Version: "test", Log: slog.New(slog.DiscardHandler)})
			f.want(t, http.StatusNotFound, test.method, path, "")
			f.want(t, http.StatusCreated, "PUT", instancePath, instance)
			if got := f.want(t, test.status, test.method, path, ""); !strings.Contains(got, test.answer) {
				t.Errorf("answered %s, want %s in it", got, test.answer)
			}
			if got := strings.Join(routers.asked[1:], ", "); got != test.asked {
				t.Errorf("asked for %q, want %q", got, test.asked)
			}
		})
	}
}
