package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// maxWait bounds ?wait: longer, and something on the way may take the connection for dead.
	maxWait = time.Minute
	// lookAgain is how often a request that waits looks for what no event tells of, such as a weight.
	lookAgain = time.Second
	// settle is how long it leaves the events alone that come together with one that woke it.
	settle = 50 * time.Millisecond
)

// snapshotInput is exported in parts: huma passes over what is not.
type snapshotInput struct {
	IfNoneMatch string `header:"If-None-Match" doc:"the ETag of a snapshot: 304 while it is still the same"`
	Wait        string `query:"wait" example:"30s" doc:"with If-None-Match: wait so long, at most 1m, for a snapshot that is not the same"`
}

// Resolve lets a request wait for longer than the server gives those that do not.
func (in *snapshotInput) Resolve(c huma.Context) []error {
	if in.Wait != "" {
		_, w := humago.Unwrap(c)
		// It fails where there is no connection, and then there is no limit either.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxWait + sendTimeout))
	}
	return nil
}

type snapshotOutput struct {
	Status        int
	ETag          string `header:"ETag"`
	EventRevision string `header:"Event-Revision" doc:"/v1/events?since= with it tells what happened since the snapshot"`
	Body          *spec.Snapshot
}

func registerSnapshot(h huma.API, a *api) {
	huma.Register(h, huma.Operation{
		OperationID: "snapshot", Method: http.MethodGet, Path: "/v1/snapshot", Tags: []string{"director"},
		Summary:   "Everything: specs, states and drift, with an ETag over them; with If-None-Match and wait, when that is another one",
		Responses: map[string]*huma.Response{"304": {Description: "it is still the same"}},
	}, func(ctx context.Context, in *snapshotInput) (*snapshotOutput, error) {
		wait, err := in.wait()
		if err != nil {
			return nil, err
		}
		s := a.snapshots.take(ctx, a, time.Now())
		if wait == 0 || !s.is(in.IfNoneMatch) {
			return s.answer(in.IfNoneMatch), nil
		}
		leave, err := a.waiting.enter()
		if err != nil {
			return nil, err
		}
		defer leave()
		return a.awaitOther(ctx, in.IfNoneMatch, wait).answer(in.IfNoneMatch), nil
	})
}

func (in *snapshotInput) wait() (time.Duration, error) {
	if in.Wait == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(in.Wait)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, newProblem(http.StatusBadRequest, fmt.Sprintf("wait is not a duration of at most %s: write a number and a unit, such as 30s", maxWait), nil)
	}
	return wait, nil
}

// awaitOther returns the first snapshot that is none of the tags, or after a while the last that is.
func (a *api) awaitOther(ctx context.Context, tags string, wait time.Duration) snapshot {
	ctx, done := whileServing(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	fresh := time.Now()
	for {
		happened := a.nextEvent()
		s := a.snapshots.take(context.WithoutCancel(ctx), a, fresh)
		if !s.is(tags) {
			return s
		}
		select {
		case <-ctx.Done():
			return s
		case <-look.C:
			fresh = time.Now().Add(-lookAgain / 2)
		case <-happened:
			fresh = time.Now()
			time.Sleep(settle)
		}
	}
}

// nextEvent is closed by the next event; nil never is.
func (a *api) nextEvent() <-chan struct{} {
	if a.events == nil {
		return nil
	}
	_, more, _ := a.events.Read(a.events.Status().Revision)
	return more
}

// snapshot is one with its tag.
type snapshot struct {
	// at is when it was begun, and cost how long it took.
	at     time.Time
	cost   time.Duration
	now    instant
	body   spec.Snapshot
	etag   string
	events uint64
}

// instant is what is known, without a look at the director, to have happened before a snapshot.
type instant struct{ revision, events, applied uint64 }

// is reports whether the snapshot is one of those in an If-None-Match (RFC 9110 §13.1.2).
func (s snapshot) is(tags string) bool {
	for tag := range strings.SplitSeq(tags, ",") {
		if tag = strings.TrimSpace(tag); tag == s.etag || tag == "*" {
			return true
		}
	}
	return false
}

func (s snapshot) answer(tags string) *snapshotOutput {
	out := &snapshotOutput{Status: http.StatusOK, ETag: s.etag, EventRevision: strconv.FormatUint(s.events, 10), Body: &s.body}
	if s.is(tags) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out
}

const (
	// shared is how long a snapshot serves those who come after it, while nothing is known to have happened.
	shared = 20 * time.Millisecond
	// sharedByCost is the same in times of what it cost, which may be more, up to lookAgain: no number of readers costs
	// more than a ninth of a core.
	sharedByCost = 8
)

// snapshots takes one for all who want one at the same time: it costs as much as the director has objects.
type snapshots struct {
	// applied counts what was made so on request: whoever had an answer sees it in the next snapshot.
	applied atomic.Uint64

	mu   sync.Mutex
	last snapshot
}

// take returns a snapshot that was begun no earlier than fresh, or one in which nothing that is known is missing and
// that is hardly older.
func (t *snapshots) take(ctx context.Context, a *api, fresh time.Time) snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := instant{revision: a.store.Desired().Revision, applied: t.applied.Load()}
	if a.events != nil {
		now.events = a.events.Status().Revision
	}
	if now == t.last.now {
		fresh = fresh.Add(-min(max(shared, sharedByCost*t.last.cost), lookAgain))
	}
	if t.last.at.Before(fresh) {
		at := time.Now()
		status := a.director.Status(ctx)
		body := Snapshot(a.store.Desired(), status)
		t.last = snapshot{at: at, now: now, body: body, etag: spec.ETag(body), events: status.Events.Revision}
		t.last.cost = time.Since(at)
	}
	return t.last
}
