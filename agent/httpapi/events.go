package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Events tells what happened on the director lately.
type Events interface {
	// Read returns the first events after a revision, in order and without a gap. When there are none, more is
	// closed as soon as there are. ok is false when events after the revision are gone, or when it is none
	// of this director's.
	Read(after uint64) (events []spec.Event, more <-chan struct{}, ok bool)
	// Status says what Read can answer.
	Status() spec.EventsStatus
}

const (
	// heartbeat is how often a stream says that it is alive when there is nothing else to say: below the
	// minute or so after which proxies and firewalls forget a connection.
	heartbeat = 15 * time.Second
	// sendTimeout is how long a reader may take for what is sent at once.
	sendTimeout = 10 * time.Second
	// reconnectAfter is what browsers are told to wait before they come back, in milliseconds.
	reconnectAfter = 1000
)

type eventsInput struct {
	Since       string `query:"since" example:"17" doc:"revision of the last event that was read: those after it are sent first; left out, the stream begins with what happens next"`
	LastEventID string `header:"Last-Event-ID" doc:"the same, as browsers send it when they reconnect; it comes before since"`
}

// registerEvents adds the stream of events.
func registerEvents(h huma.API, a *api, events Events) {
	huma.Register(h, huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"director"},
		Summary: "What happens, as it happens: server-sent events",
		Description: "Each message has the event's revision as id, its type as event, and the event as JSON as data. A comment line comes every " +
			heartbeat.String() + " when there is nothing to say. A reader that is too slow is told by an event of the type dropped, without an id, " +
			"and the stream ends. It goes on with since, or Last-Event-ID, from the last id; 410 says that events after it are gone: " +
			"read the snapshot, and go on from its Event-Revision.",
		Responses: map[string]*huma.Response{
			"200": {
				Description: "OK",
				Content: map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{
					Type: huma.TypeString, Description: "server-sent events whose data is an Event",
					Extensions: map[string]any{"x-data": h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[spec.Event](), true, "events")},
				}}},
			},
			"410": {Description: "events after that revision are gone"},
			"503": {Description: "too many wait already: come back after Retry-After"},
		},
	}, func(_ context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		after, err := cursor(in, events)
		if err != nil {
			return nil, err
		}
		leave, err := a.waiting.enter()
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			defer leave()
			r, w := humago.Unwrap(c)
			newStream(w, after).run(r, events)
		}}, nil
	})
}

// cursor returns the revision after which a reader begins.
func cursor(in *eventsInput, events Events) (uint64, error) {
	said, name := in.LastEventID, "Last-Event-ID"
	if said == "" {
		said, name = in.Since, "since"
	}
	if said == "" {
		return events.Status().Revision, nil
	}
	after, err := strconv.ParseUint(said, 10, 64)
	if err != nil {
		return 0, newProblem(http.StatusBadRequest, name+" is not a revision: send the id of the last event that was read, a number", nil)
	}
	if _, _, ok := events.Read(after); !ok {
		return 0, gone(after, events.Status())
	}
	return after, nil
}

func gone(after uint64, s spec.EventsStatus) *problem {
	if after > s.Revision {
		return newProblem(http.StatusGone, fmt.Sprintf("revision %d is none of this director's, whose last event is %d: read the snapshot, and go on from its Event-Revision", after, s.Revision), nil)
	}
	return newProblem(http.StatusGone, fmt.Sprintf("events after revision %d are gone, those after %d are kept: read the snapshot, and go on from its Event-Revision", after, s.Compacted), nil)
}

const eventStream = "text/event-stream"

// stream is one reader's connection.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	after   uint64
	text    bytes.Buffer
}

func newStream(w http.ResponseWriter, after uint64) *stream {
	return &stream{w: w, control: http.NewResponseController(w), after: after}
}

// run sends events until the reader leaves, is too slow, or the server stops.
func (s *stream) run(r *http.Request, events Events) {
	ctx, done := whileServing(r.Context())
	defer done()
	s.w.Header().Set("Content-Type", eventStream)
	s.w.Header().Set("Cache-Control", "no-store")
	s.w.Header().Set("X-Accel-Buffering", "no") // nginx would collect events before it sends them on
	if r.Method == http.MethodHead {
		return
	}
	fmt.Fprintf(&s.text, ": events after %d\nretry: %d\n\n", s.after, reconnectAfter)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if s.send() != nil {
			return
		}
		batch, more, ok := events.Read(s.after)
		switch {
		case !ok:
			s.drop()
			return
		case len(batch) > 0:
			if ctx.Err() != nil {
				return
			}
			for _, e := range batch {
				s.say(e)
			}
			beat.Reset(heartbeat)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-beat.C:
			s.text.WriteString(":\n\n")
		}
	}
}

// say adds an event to what is sent next.
func (s *stream) say(e spec.Event) {
	data, err := spec.Encode(e)
	if err != nil {
		panic(fmt.Sprintf("event %d does not encode: %v", e.Revision, err)) // it holds nothing that cannot be encoded
	}
	if e.Revision != 0 {
		fmt.Fprintf(&s.text, "id: %d\n", e.Revision)
		s.after = e.Revision
	}
	fmt.Fprintf(&s.text, "event: %s\ndata: %s\n\n", e.Type, data)
}

// drop tells a reader that it is too slow.
func (s *stream) drop() {
	s.say(spec.Event{Type: spec.EventDropped, Time: time.Now().Round(0), Reason: fmt.Sprintf("events after %d are gone before they could be sent: the reader is too slow", s.after)})
	_ = s.send() // whether it hears that or not, it is over
}

// send sends what was said.
func (s *stream) send() error {
	if s.text.Len() == 0 {
		return nil
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(sendTimeout)) // fails where nothing can be late
	if _, err := s.w.Write(s.text.Bytes()); err != nil {
		return err
	}
	s.text.Reset()
	return s.control.Flush()
}
