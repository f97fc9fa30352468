package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// withEvents returns a fixture that remembers up to three events.
func withEvents(t *testing.T) (*fixture, *event.Log) {
	t.Helper()
	f, events := newFixture(t), event.New(3, 0)
	f.handler = held(t, Config{Store: f.store, Director: f, Events: events, Version: "test", Log: slog.New(slog.DiscardHandler)})
	return f, events
}

// reader is a connection that takes what is sent, until it is told to take nothing more.
type reader struct {
	header http.Header

	mu     sync.Mutex
	text   bytes.Buffer
	status int
	stuck  chan struct{} // nil: it takes
	late   time.Time
}

func (r *reader) Header() http.Header    { return r.header }
func (r *reader) WriteHeader(status int) { r.status = status }
func (r *reader) Flush()                 {}
func (r *reader) SetWriteDeadline(at time.Time) error {
	r.late = at
	return nil
}

func (r *reader) Write(data []byte) (int, error) {
	r.mu.Lock()
	stuck := r.stuck
	r.mu.Unlock()
	if stuck != nil {
		select {
		case <-stuck:
		case <-time.After(time.Until(r.late)):
			return 0, errors.New("i/o timeout")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

// stick has it take nothing until the channel is closed.
func (r *reader) stick(until chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = until
}

// took returns what it took since the last time, ids and types alone, "." for a heartbeat.
func (r *reader) took() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var words []string
	for _, message := range strings.Split(r.text.String(), "\n\n") {
		switch lines := strings.Split(message, "\n"); {
		case message == ":":
			words = append(words, ".")
		case strings.HasPrefix(message, "id: "):
			words = append(words, strings.TrimPrefix(lines[0], "id: "))
		case strings.HasPrefix(message, "event: "):
			words = append(words, strings.TrimPrefix(lines[0], "event: "))
		}
	}
	r.text.Reset()
	return strings.Join(words, " ")
}

// follow opens a stream; ended is closed when it is over.
func (f *fixture) follow(ctx context.Context, path string) (r *reader, ended chan struct{}) {
	r, ended = &reader{header: http.Header{}}, make(chan struct{})
	go func() {
		defer close(ended)
		f.handler.ServeHTTP(r, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	}()
	synctest.Wait()
	return r, ended
}

func TestStreamSendsWhatHappenedSinceAndWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		events.Publish(spec.Event{Type: spec.EventAgentStarted, Name: "d1"}, spec.Event{})
		ctx, leave := context.WithCancel(t.Context())
		all, ended := f.follow(ctx, "/v1/events?since=0")
		now, _ := f.follow(ctx, "/v1/events")
		for _, step := range []struct{ publish, all, now string }{
			{"", "1 2", ""},
			{"a", "3", "3"},
			{"bc", "4 5", "4 5"},
		} {
			events.Publish(make([]spec.Event, len(step.publish))...)
			if got := all.took(); got != step.all {
				t.Errorf("from the beginning: took %q, want %q", got, step.all)
			}
			if got := now.took(); got != step.now {
				t.Errorf("from now on: took %q, want %q", got, step.now)
			}
		}
		leave()
		<-ended
	})
}

func TestStreamIsServerSentEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		ctx, leave := context.WithCancel(t.Context())
		r, ended := f.follow(ctx, "/v1/events")
		events.Publish(spec.Event{Type: spec.EventStateChanged, Time: time.Unix(0, 0).UTC(), Kind: spec.KindVRRPInstance, Name: "web",
			State: &spec.StateChange{From: "backup", To: "active", EffectivePriority: 150}})
		synctest.Wait()
		want := ": events after 0\nretry: 1000\n\nid: 1\nevent: state_changed\n" +
			`data: {"revision":1,"time":"1970-01-01T00:00:00Z","type":"state_changed","kind":"vrrp_instance","name":"web","state":{"from":"backup","to":"active","effective_priority":150}}` + "\n\n"
		if diff := cmp.Diff(want, r.text.String()); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
		if got := r.header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("Content-Type is %q", got)
		}
		leave()
		<-ended
	})
}

func TestStreamSaysThatItIsAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		ctx, leave := context.WithCancel(t.Context())
		r, ended := f.follow(ctx, "/v1/events")
		time.Sleep(2*heartbeat + heartbeat/2)
		if got := r.took(); got != ". ." {
			t.Errorf("took %q, want two heartbeats", got)
		}
		events.Publish(spec.Event{})
		time.Sleep(heartbeat - 1)
		if got := r.took(); got != "1" {
			t.Errorf("took %q, want the event alone", got)
		}
		leave()
		<-ended
	})
}

func TestSlowReaderIsDroppedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		r, ended := f.follow(t.Context(), "/v1/events")
		stuck := make(chan struct{})
		r.stick(stuck)
		for range 9 {
			events.Publish(spec.Event{}) // nobody waits for the reader
			synctest.Wait()
		}
		time.Sleep(sendTimeout / 2)
		close(stuck)
		<-ended
		if got := r.took(); got != "1 dropped" {
			t.Errorf("took %q, want the one event that was under way, and why there are no more", got)
		}
	})
}

func TestReaderThatTakesNothingIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		r, ended := f.follow(t.Context(), "/v1/events")
		r.stick(make(chan struct{}))
		events.Publish(spec.Event{})
		time.Sleep(sendTimeout + time.Second)
		select {
		case <-ended:
		default:
			t.Error("the stream goes on")
		}
	})
}

func TestReaderComesBackWithItsCursor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path, header string
		status       int
		want         string // events, or words of the problem
	}{
		"all that is kept":            {"/v1/events?since=2", "", 200, "3 4 5"},
		"the last":                    {"/v1/events?since=4", "", 200, "5"},
		"none yet":                    {"/v1/events?since=5", "", 200, ""},
		"a browser comes back":        {"/v1/events?since=0", "4", 200, "5"},
		"gone":                        {"/v1/events?since=1", "", 410, "those after 2 are kept"},
		"gone for a browser":          {"/v1/events", "1", 410, "those after 2 are kept"},
		"of another director":         {"/v1/events?since=6", "", 410, "revision 6 is none of this director's"},
		"no number":                   {"/v1/events?since=yesterday", "", 400, "since is not a revision"},
		"a number that is too large":  {"/v1/events?since=18446744073709551616", "", 400, "since is not a revision"},
		"no number, said by a header": {"/v1/events", "-1", 400, "Last-Event-ID is not a revision"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, events := withEvents(t)
				events.Publish(make([]spec.Event, 5)...)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				r := &reader{header: http.Header{}}
				request := httptest.NewRequestWithContext(ctx, http.MethodGet, tt.path, nil)
				if tt.header != "" {
					request.Header.Set("Last-Event-ID", tt.header)
				}
				go f.handler.ServeHTTP(r, request)
				synctest.Wait()
				if tt.status != http.StatusOK {
					if r.status != tt.status || !strings.Contains(r.text.String(), tt.want) {
						t.Errorf("answered %d %s, want %d and %q", r.status, r.text.String(), tt.status, tt.want)
					}
					return
				}
				if got := r.took(); got != tt.want {
					t.Errorf("took %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestTooManyReadersAreTurnedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := withEvents(t)
		ctx, leave := context.WithCancel(t.Context())
		var streams []chan struct{}
		for range maxWaiting {
			_, ended := f.follow(ctx, "/v1/events")
			streams = append(streams, ended)
		}
		answer := f.call(t, "GET", "/v1/events", "")
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "5" {
			t.Errorf("answered %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
		}
		f.want(t, http.StatusOK, "GET", "/v1/status", "")
		leave()
		for _, ended := range streams {
			<-ended
		}
		again, ended := f.follow(context.WithValue(t.Context(), stopping{}, ctx), "/v1/events") // ends at once: the server stops
		<-ended
		if again.status == http.StatusServiceUnavailable {
			t.Error("there is no room again")
		}
	})
}

func TestHeadOfTheStreamEnds(t *testing.T) {
	t.Parallel()
	f, _ := withEvents(t)
	f.want(t, http.StatusOK, "HEAD", "/v1/events", "")
}

func TestEventsAreInTheOpenAPIDocument(t *testing.T) {
	t.Parallel()
	f, _ := withEvents(t)
	document := f.want(t, http.StatusOK, "GET", "/v1/openapi.json", "")
	for _, want := range []string{`"/v1/events"`, `"text/event-stream"`, `"Last-Event-ID"`, `"410"`, `"#/components/schemas/Event"`, `"Event-Revision"`, `"StateChange"`} {
		if !strings.Contains(document, want) {
			t.Errorf("%s is not in the document", want)
		}
	}
}

// snapshotAfter asks for a snapshot that is not the present one, and returns how long that took and what
// was answered.
func (f *fixture) snapshotAfter(ctx context.Context, t *testing.T, wait string) (time.Duration, int) {
	t.Helper()
	tag := f.call(t, "GET", "/v1/snapshot", "").Header.Get("ETag")
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/snapshot?wait="+wait, nil)
	request.Header.Set("If-None-Match", tag)
	began, w := time.Now(), httptest.NewRecorder()
	f.handler.ServeHTTP(w, request)
	return time.Since(began), w.Code
}

func TestSnapshotWaitsForAnotherOne(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*fixture, *event.Log)
		took   time.Duration
		status int
	}{
		"nothing happens":                   {func(*fixture, *event.Log) {}, 30 * time.Second, http.StatusNotModified},
		"events that change nothing":        {func(_ *fixture, e *event.Log) { e.Publish(spec.Event{}) }, 30 * time.Second, http.StatusNotModified},
		"a change with an event":            {func(f *fixture, e *event.Log) { f.name.Store("d2"); e.Publish(spec.Event{}) }, 2500*time.Millisecond + settle, http.StatusOK},
		"a change that no event tells of":   {func(f *fixture, _ *event.Log) { f.name.Store("d2") }, 3 * time.Second, http.StatusOK},
		"the server stops, which is prompt": {func(f *fixture, _ *event.Log) { f.stop() }, 2500 * time.Millisecond, http.StatusNotModified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, events := withEvents(t)
				serving, stop := context.WithCancel(t.Context())
				f.stop = stop
				go func() {
					time.Sleep(2500 * time.Millisecond)
					tt.change(f, events)
				}()
				took, status := f.snapshotAfter(context.WithValue(t.Context(), stopping{}, serving), t, "30s")
				if took != tt.took || status != tt.status {
					t.Errorf("answered %d after %s, want %d after %s", status, took, tt.status, tt.took)
				}
				stop()
			})
		})
	}
}

func TestManyWhoWaitCostOneSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, events := withEvents(t)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { f.snapshotAfter(t.Context(), t, "10s") })
		}
		time.Sleep(3250 * time.Millisecond)
		before := f.statuses.Load()
		events.Publish(spec.Event{})
		time.Sleep(2 * settle)
		if got := f.statuses.Load() - before; got != 1 {
			t.Errorf("an event made %d snapshots for 50 who wait, want 1", got)
		}
		before = f.statuses.Load()
		time.Sleep(5 * time.Second)
		if got := f.statuses.Load() - before; got > 10 {
			t.Errorf("%d snapshots were made in 5 s for 50 who wait", got)
		}
		all.Wait()
	})
}

func TestWaitThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	f, _ := withEvents(t)
	for _, wait := range []string{"soon", "-1s", "2m", "30"} {
		if body := f.want(t, http.StatusBadRequest, "GET", "/v1/snapshot?wait="+wait, ""); !strings.Contains(body, "wait is not a duration of at most 1m0s") {
			t.Errorf("wait=%s: %s", wait, body)
		}
	}
	f.want(t, http.StatusOK, "GET", "/v1/snapshot?wait=30s", "") // there is nothing to compare with
	if got := f.call(t, "GET", "/v1/snapshot", "").Header.Get("Event-Revision"); got != "7" {
		t.Errorf("Event-Revision is %q, want that of the status", got)
	}
}

// Over real connections: the limits on requests that end soon are not for streams, and a server that stops
// ends them at once.
func TestStreamOutlastsTheLimitsAndEndsWithTheServer(t *testing.T) {
	t.Parallel()
	f, events := withEvents(t)
	server, err := Listen("127.0.0.1:0", TLSFiles{}, nil, 0, f.handler, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.read, server.write = 50*time.Millisecond, 50*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	base := fmt.Sprintf("http://%s", server.Address())

	stream, err := http.Get(base + "/v1/events?since=0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	tag := f.call(t, "GET", "/v1/snapshot", "").Header.Get("ETag")
	waited := make(chan int, 1)
	go func() {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/snapshot?wait=1m", nil) // it is well-formed
		request.Header.Set("If-None-Match", tag)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			waited <- 0
			return
		}
		_ = answer.Body.Close()
		waited <- answer.StatusCode
	}()
	time.Sleep(200 * time.Millisecond) // several times the limits
	events.Publish(spec.Event{Type: spec.EventAgentStarted})
	read, text := make([]byte, 4096), ""
	for !strings.Contains(text, "agent_started") {
		n, err := stream.Body.Read(read)
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text += string(read[:n])
	}
	select {
	case status := <-waited:
		t.Errorf("the request that waited was answered with %d while the server ran", status)
		waited <- status
	default:
	}
	began := time.Now()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > shutdownTimeout-time.Second {
		t.Errorf("it took %s to stop", took)
	}
	if n, err := stream.Body.Read(read); err == nil {
		t.Errorf("read %q from a server that stopped", read[:n])
	}
	if status := <-waited; status != http.StatusNotModified && status != 0 {
		t.Errorf("the request that waited was answered with %d", status)
	}
}
