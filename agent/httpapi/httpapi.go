// Package httpapi is the agent's front door: it authenticates, validates, stores, has the director
// apply what was stored, and answers with what was read back.
//
// It knows the desired state and its vocabulary. How a director does what it is asked for is behind
// the Director interface, and how the state is kept behind Store.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// openAPIPath is where the API is described, with .json behind it.
const openAPIPath = "/v1/openapi"

// MaxBody bounds the body of a request, in bytes.
const MaxBody = 1 << 20

// Store keeps the desired state.
type Store interface {
	Desired() spec.Desired
	// Update stores all of the changes that decide returns, or none.
	Update(decide func(spec.Desired) ([]spec.Change, error)) (spec.Desired, error)
	// Backup writes a copy of all that is kept.
	Backup(w io.Writer) error
}

// Director does what the stored state asks for.
type Director interface {
	// Check reports what this machine cannot do of a spec.VRRPInstance, VirtualServer,
	// CheckScript or IPVSSettings.
	Check(ctx context.Context, v any) spec.FieldErrors
	// Apply makes the machine what the store says, and returns after the kernel was read back. The error
	// is what kept the object of that kind and key (see spec.Change) from it.
	Apply(ctx context.Context, kind spec.Kind, key string) error
	// Status says what is happening now.
	Status(ctx context.Context) spec.Status
	// Seen is Status as far as it is about the object of that kind and key, which Apply has just read back:
	// there is no need to look again.
	Seen(ctx context.Context, kind spec.Kind, key string) spec.Status
	// Ready reports why the director does not do its work yet, or nil.
	Ready() error
}

// Config is what an API needs.
type Config struct {
	Store Store
	// Degraded is why the state is not known, so that nothing is said of it; nil when it is.
	Degraded error
	Director Director
	// Routers hand roles over; nil when nobody here could.
	Routers Routers
	// Events are what happened lately; nil when nobody here remembers.
	Events Events
	// Doubts reports what this machine could do of a spec.VRRPInstance, and probably not well; nil when nobody knows.
	Doubts func(v any) spec.FieldErrors
	// Facts are those of the machine; nil where there are none to tell.
	Facts func() (spec.Facts, error)
	// Table is that of the kernel's IPVS; nil where there is none to tell.
	Table func(context.Context) (spec.IPVSTable, error)
	// Tokens says whose requests are served; nil serves everybody whom the listener lets in.
	Tokens *Tokens
	// Objects returns how many the director may keep; 0 is without bound, and so is a nil Objects.
	Objects func() int
	// Clients are the names of client certificates with what they allow; nil lets all of them write.
	Clients map[string]Scope
	// Collectors are served on /metrics beside those made from the status.
	Collectors []prometheus.Collector
	Version    string
	Log        *slog.Logger
}

// api holds what the handlers share.
type api struct {
	store    Store
	director Director
	routers  Routers // nil when nobody here could hand over
	waiting  waiting
	objects  func() int // how many there may be; 0 is without bound
	events   Events
	doubts   func(v any) spec.FieldErrors // nil when nobody knows
	log      *slog.Logger

	snapshots snapshots
}

// Handler returns the API's routes, authentication included.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	a := &api{store: c.Store, director: c.Director, routers: c.Routers, waiting: newWaiting(), events: c.Events, doubts: c.Doubts, log: c.Log, objects: c.Objects}
	h := humago.New(mux, humaConfig(c.Version))

	registerObjects(h, a)
	registerDrain(h, a)
	registerStatus(h, a, c.Facts)
	registerBackup(h, a)
	if c.Table != nil {
		registerIPVSTable(h, c.Table)
	}
	if c.Routers != nil {
		registerFailover(h, a, c.Routers)
	}
	if c.Events != nil {
		registerEvents(h, a, c.Events)
	}
	completeDocument(h.OpenAPI())
	mux.Handle("GET /metrics", MetricsHandler(c.Director, c.Collectors...))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { notServed(mux, w, r) })
	return newGuard(c, withoutOverload(whileDegraded(c.Degraded, mux)))
}

// notServed answers a request for which there is no route: 405 where there is one for other methods.
func notServed(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var others []string
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			others = append(others, method)
		}
	}
	if len(others) > 0 {
		w.Header().Set("Allow", strings.Join(others, ", "))
		writeProblem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes no %s: it takes %s", r.URL.Path, r.Method, strings.Join(others, " and ")))
		return
	}
	writeProblem(w, http.StatusNotFound, "nothing is at "+r.URL.Path+": the routes are in /v1/openapi.json")
}

// humaConfig makes huma answer as the contract says: our JSON, our problems, no pages of its own.
func humaConfig(version string) huma.Config {
	config := huma.DefaultConfig("lvs-agent", version)
	config.OpenAPIPath = openAPIPath
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil // no $schema member in answers
	format := huma.Format{
		Marshal:   func(w io.Writer, v any) error { return json.MarshalWrite(w, v, json.Deterministic(true)) },
		Unmarshal: func(data []byte, v any) error { return json.Unmarshal(data, v) },
	}
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	config.Transformers = []huma.Transformer{ownProblems}
	return config
}

// apply has the director make an object so.
func (a *api) apply(ctx context.Context, kind spec.Kind, key string) error {
	defer a.snapshots.applied.Add(1)
	return a.director.Apply(ctx, kind, key)
}

// refuse turns an error from deep inside into the answer it stands for.
func (a *api) refuse(err error, doing string) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	a.log.Error("request failed", "doing", doing, "error", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return newProblem(http.StatusInsufficientStorage, doing+": "+err.Error(), nil)
	}
	if errors.Is(err, syscall.EBUSY) {
		return huma.ErrorWithHeaders(newProblem(http.StatusServiceUnavailable, doing+": "+err.Error(), nil), http.Header{"Retry-After": {"1"}})
	}
	return newProblem(http.StatusInternalServerError, doing+": "+err.Error(), nil)
}
