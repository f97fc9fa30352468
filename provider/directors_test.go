package provider

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// testDirector is a director whose API is the agent's own, over a machine that does as it is told:
// it refuses, drifts, and breaks down on request.
type testDirector struct {
	name   string
	url    string
	store  *store.Store
	server *httptest.Server
	// events tell what a test does to the machine, as an agent would: a snapshot of before is none any more.
	events *event.Log

	// journal has the requests to all directors that were started together.
	journal *journal

	mu       sync.Mutex
	drift    []spec.Drift
	states   map[string]spec.InstanceState
	aside    string
	foreign  map[string]spec.KernelService
	refuse   spec.FieldErrors
	doubt    spec.FieldErrors
	fault    func(w http.ResponseWriter, r *http.Request) (handled bool)
	requests []string

	busy atomic.Bool // real servers have connections
}

// newDirectors starts a director for each name.
func newDirectors(t *testing.T, names ...string) map[string]*testDirector {
	t.Helper()
	directors, all := map[string]*testDirector{}, &journal{}
	for _, name := range names {
		d := &testDirector{name: name, foreign: map[string]spec.KernelService{}, store: store.InMemory(), events: event.New(1, 0), journal: all}
		api := httpapi.Handler(httpapi.Config{
			Store: d.store, Director: d, Routers: testRouters{d}, Table: d.ipvsTable, Doubts: d.doubts, Events: d.events, Version: "test", Log: slog.New(slog.DiscardHandler),
		})
		d.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			all.add(name + " " + r.Method + " " + r.URL.RequestURI())
			d.mu.Lock()
			d.requests = append(d.requests, r.Method+" "+r.URL.RequestURI())
			fault := d.fault
			d.mu.Unlock()
			if fault == nil || !fault(w, r) {
				api.ServeHTTP(w, r)
			}
		}))
		t.Cleanup(func() { d.server.CloseClientConnections(); d.server.Close() })
		d.url = d.server.URL
		directors[name] = d
	}
	return directors
}

// Check refuses what the test told it to.
func (d *testDirector) Check(context.Context, any) spec.FieldErrors {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuse
}

// doubts has what the test told it to.
func (d *testDirector) doubts(any) spec.FieldErrors {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doubt
}

func (d *testDirector) setDoubt(errs ...spec.FieldError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doubt = errs
}

// Apply repairs all drift, and ends the removal of real servers unless the test says that they are busy.
func (d *testDirector) Apply(context.Context, spec.Kind, string) error {
	d.setDrift()
	if d.busy.Load() {
		return nil
	}
	return d.endRemovals()
}

func (d *testDirector) endRemovals() error {
	_, err := d.store.Update(func(desired spec.Desired) (changes []spec.Change, _ error) {
		for key, drain := range desired.Drains.All() {
			if drain.Removes() {
				changes = append(changes, spec.Change{Kind: spec.KindDrain, Key: key.String()})
			}
		}
		return changes, nil
	})
	return err
}

// Ready is always so.
func (d *testDirector) Ready() error { return nil }

// Seen is Status.
func (d *testDirector) Seen(ctx context.Context, _ spec.Kind, _ string) spec.Status {
	return d.Status(ctx)
}

// Status has the drift, and the states of instances that a test gave.
func (d *testDirector) Status(context.Context) spec.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	instances := map[string]spec.VRRPInstanceStatus{}
	for name, state := range d.states {
		instances[name] = spec.VRRPInstanceStatus{VRRPInstanceState: spec.VRRPInstanceState{State: state, Failover: name == d.aside}}
	}
	services := map[string]spec.VirtualServerStatus{}
	desired := d.store.Desired()
	for name := range desired.VirtualServers {
		services[name] = spec.VirtualServerStatus{RealServers: map[string]spec.RealServerStatus{}}
	}
	for key, drain := range desired.Drains.All() {
		if services[key.VirtualServer].RealServers == nil {
			continue // its service is gone
		}
		services[key.VirtualServer].RealServers[key.Address.String()] = spec.RealServerStatus{RealServerState: spec.RealServerState{Drain: drain.State()}}
	}
	return spec.Status{Name: d.name, Version: "test", Dataplane: "memory", VRRPInstances: instances, VirtualServers: services, Drift: slices.Clone(d.drift)}
}

// ipvsTable has what others put into the kernel.
func (d *testDirector) ipvsTable(context.Context) (spec.IPVSTable, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return spec.IPVSTable{Services: maps.Clone(d.foreign)}, nil
}

// setForeign says what others put into the kernel.
func (d *testDirector) setForeign(services map[string]spec.KernelService) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.foreign = services
}

// setAside says that an instance has handed over and stays away.
func (d *testDirector) setAside(instance string) {
	d.setState(instance, spec.InstanceBackup)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.aside = instance
	d.events.Publish(spec.Event{Type: spec.EventFailoverBegun})
}

// setState says in which state an instance is.
func (d *testDirector) setState(instance string, state spec.InstanceState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.states = map[string]spec.InstanceState{instance: state}
	d.events.Publish(spec.Event{Type: spec.EventStateChanged})
}

func (d *testDirector) setDrift(drift ...spec.Drift) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drift = drift
	d.events.Publish(spec.Event{Type: spec.EventDriftNoticed})
}

func (d *testDirector) setRefusal(errs ...spec.FieldError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = errs
}

// setFault lets a function answer in the API's place; nil mends it.
func (d *testDirector) setFault(fault func(w http.ResponseWriter, r *http.Request) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// down breaks every connection without an answer.
func down(w http.ResponseWriter, _ *http.Request) bool {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
	return true
}

// downForWrites lets the director break when something is really to be changed.
func downForWrites(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.URL.Query().Get("dry_run") == "true" {
		return false
	}
	return down(w, r)
}

// change is somebody else's change through the API: a nil value deletes.
func (d *testDirector) change(kind spec.Kind, key string, value any) {
	_, err := d.store.Update(func(desired spec.Desired) ([]spec.Change, error) {
		if kind == spec.KindRealServerGroup {
			if group, ok := value.(spec.RealServerGroup); ok {
				return desired.PutGroup(key, group, time.Now()), nil
			}
			return desired.RemoveGroup(key, new(spec.Duration), time.Now()), nil
		}
		return []spec.Change{{Kind: kind, Key: key, Value: value}}, nil
	})
	if err != nil {
		panic(err) // the test gave a value of another kind
	}
}

// seen returns the requests since the last call that begin with prefix.
func (d *testDirector) seen(prefix string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	requests := slices.DeleteFunc(d.requests, func(r string) bool { return !strings.HasPrefix(r, prefix) })
	d.requests = nil
	return requests
}

// onlyAsked fails the test when a director was told to change anything.
func onlyAsked(t *testing.T, directors map[string]*testDirector) {
	t.Helper()
	for name, d := range directors {
		requests := d.seen("")
		if len(requests) == 0 {
			t.Errorf("%s was not even asked", name)
		}
		for _, r := range requests {
			if !strings.HasPrefix(r, "GET ") && !strings.HasSuffix(r, "dry_run=true") {
				t.Errorf("%s was told to change something: %s", name, r)
			}
		}
	}
}

// providerBlock is a configuration of these directors; more stands in the block.
func providerBlock(directors map[string]*testDirector, more ...string) string {
	var b strings.Builder
	b.WriteString("provider \"lvs\" {\n  directors = {\n")
	for name, d := range directors {
		fmt.Fprintf(&b, "    %s = { endpoint = %q }\n", name, d.url)
	}
	b.WriteString("  }\n  " + strings.Join(more, "\n  ") + "\n}\n")
	return b.String()
}

// testRouters hold everything back but what is active.
type testRouters struct{ *testDirector }

// Failover does nothing.
func (testRouters) Failover(context.Context, string) error { return nil }

// TakePart does nothing.
func (testRouters) TakePart(string) error { return nil }

// Hold refuses what is active.
func (r testRouters) Hold(name string, _ time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states[name] == spec.InstanceActive {
		return &httpapi.Conflict{Reason: "it is active here"}
	}
	return nil
}

// EndHold does nothing.
func (testRouters) EndHold(string) {}
