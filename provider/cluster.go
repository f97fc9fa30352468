package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// policy says what becomes of a plan or an apply while a director does not answer.
type policy string

const (
	unreachableIsError   policy = "error"
	unreachableIsWarning policy = "warn"
)

// cluster is the directors of one provider block.
type cluster struct {
	directors     map[string]*director
	onUnreachable policy
	adoptExisting bool
	services      plannedServices
	instances     plannedInstances
	sync          plannedSync
}

// director is one of them, with the one snapshot that serves all reads of this provider instance.
type director struct {
	name   string
	client *client.Client

	mu      sync.Mutex
	asked   bool
	read    *spec.Snapshot
	readErr error
	// etag is that of what was read, at when it was.
	etag string
	at   time.Time
	// written holds what this provider instance wrote since: a spec, or nil for what it deleted.
	written map[objectID]any
}

type objectID struct {
	kind spec.Kind
	key  string
}

func newDirector(c *client.Client) *director {
	return &director{name: c.Name(), client: c, written: map[objectID]any{}}
}

// names returns the names of all directors in order.
func (c *cluster) names() []string { return slices.Sorted(maps.Keys(c.directors)) }

// known splits names into directors of this cluster and names that it does not have.
func (c *cluster) known(names []string) (directors []*director, strangers []string) {
	for _, name := range names {
		if d, ok := c.directors[name]; ok {
			directors = append(directors, d)
		} else {
			strangers = append(strangers, name)
		}
	}
	return directors, strangers
}

// snapshot asks the director once; everybody else waits for that answer and shares it, failures
// included: five hundred resources must not wait five hundred times for a dead director.
func (d *director) snapshot(ctx context.Context) (*spec.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.asked {
		d.read, d.etag, d.readErr = d.client.SnapshotUnless(ctx, "")
		d.at = time.Now()
		// A caller that was interrupted says nothing about the director.
		d.asked = !errors.Is(d.readErr, context.Canceled)
	}
	return d.read, d.readErr
}

// snapshotAge is how old a snapshot may be for those who act on it, once something was written.
const snapshotAge = time.Second

// current returns a snapshot for those who act on what may change during an apply, such as who is active. Before
// anything was written it is the one that serves all reads, and later it is read again when it is old and the
// director has another one.
func (d *director) current(ctx context.Context) (*spec.Snapshot, error) {
	if s, err := d.snapshot(ctx); err != nil {
		return s, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.written) == 0 || time.Since(d.at) < snapshotAge {
		return d.read, nil
	}
	s, etag, err := d.client.SnapshotUnless(ctx, d.etag)
	if err != nil {
		return nil, err
	}
	if s != nil {
		d.read, d.etag = s, etag
	}
	d.at = time.Now()
	return d.read, nil
}

// remember notes what was written, so that a later read does not answer with what was before.
func (d *director) remember(id objectID, value any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written[id] = value
}

func (d *director) remembered(id objectID) (value any, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ok = d.written[id]
	return value, ok
}

// outcomes is what became of a question to several directors, by name.
type outcomes[T any] map[string]outcome[T]

type outcome[T any] struct {
	value T
	err   error
}

// each asks all directors at the same time and waits for all. How long one may take is bounded by
// its client.
func each[T any](ctx context.Context, directors []*director, ask func(context.Context, *director) (T, error)) outcomes[T] {
	var wg sync.WaitGroup
	var mu sync.Mutex
	result := outcomes[T]{}
	for _, d := range directors {
		wg.Go(func() {
			value, err := ask(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			result[d.name] = outcome[T]{value, err}
		})
	}
	wg.Wait()
	return result
}

// errs returns the failures, by director.
func (o outcomes[T]) errs() map[string]error {
	failed := map[string]error{}
	for name, one := range o {
		if one.err != nil {
			failed[name] = one.err
		}
	}
	return failed
}

// asked reports whether there is an outcome of a director.
func (o outcomes[T]) asked(director string) bool { _, ok := o[director]; return ok }

// values returns the successes, by director.
func (o outcomes[T]) values() map[string]T {
	values := map[string]T{}
	for name, one := range o {
		if one.err == nil {
			values[name] = one.value
		}
	}
	return values
}
