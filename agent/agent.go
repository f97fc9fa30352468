// Package agent is the daemon on a director: it wires the parts, each of which knows only its own
// trade, and runs them as one.
//
//	API -> store -> Apply -> vrrp -> link -> kernel
//	                    \--> check --verdicts--> vrrp, balance
//	                    |\-> balance -> ipvs -> kernel
//	                     \-> tune -> ipvs, sysctl
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
	"github.com/lvs-director/terraform-provider-lvs/agent/hook"
	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// stateFile is the store's file in the state folder.
const stateFile = "state.db"

// releaseTimeout bounds the last writes to the kernel of an agent that stops.
const releaseTimeout = 5 * time.Second

// Agent is a director's daemon. New opens what it needs, Run does the work.
type Agent struct {
	config config.Config
	// reloaded is the configuration as it was read last. Of it counts what config.Reloadable says.
	reloaded atomic.Pointer[config.Config]

	version string
	log     *slog.Logger

	store    *store.Store
	events   *event.Log
	plane    dataplane
	engine   *vrrp.Engine
	checker  *check.Checker
	balancer *balance.Balancer
	tuner    *tune.Tuner
	hooks    *hook.Hooks
	servers  []*httpapi.Server
	tokens   *httpapi.Tokens // nil without

	sockets sockets
	// api, metrics and control are sockets; all but the first may be nil.
	api, metrics net.Listener
	control      *net.UnixListener
	// from is the process whose place this one is to take, nil where there is none, and awaiting is closed when the
	// engine waits for that one's instances.
	from     *handover.Predecessor
	awaiting <-chan struct{}
	// program takes this process's place when an upgrade is asked for.
	program    *handover.Program
	tellOfNext func(pid int)
	upgrades   chan upgrade
	handedOver atomic.Bool

	started  chan struct{} // closed when it is at work
	applying sync.Mutex
	applied  atomic.Bool
}

// New opens the state and the listeners, so that what is wrong with either is said before anything
// starts. An Agent that is not run must be closed.
func New(c config.Config, version string, log *slog.Logger) (_ *Agent, err error) {
	a := &Agent{config: c, version: version, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.open(); err != nil {
		return nil, err
	}
	a.openControl()
	return a, nil
}

// open opens the state and all that is made by it.
func (a *Agent) open() (err error) {
	if err := a.openState(); err != nil {
		return err
	}
	if a.plane, err = openDataplane(a.config, a.store, a.log); err != nil {
		return err
	}
	a.openEvents()
	a.assemble()
	return a.listen()
}

// assemble makes the parts. Nothing runs yet.
func (a *Agent) assemble() {
	a.started = make(chan struct{})
	a.upgrades = make(chan upgrade)
	a.reloaded.Store(&a.config)
	a.checker = check.New(check.Config{Prober: a.plane.prober, Starter: a.plane.starter, Log: a.log, Changed: a.verdictsChanged, Publish: a.events.Publish, Presence: presence{a.store, func() *vrrp.Engine { return a.engine }}})
	a.balancer = balance.New(balance.Config{
		Kernel: a.plane.table, Health: health{a.checker}, Weights: a.checker.Weight, Ledger: store.LedgerOf[ipvs.ServiceKey](a.store, ledgerServices), Drains: drains{a.store}, Log: a.log,
		DriftPolicy: balance.DriftPolicy(a.config.DriftPolicy), ResyncInterval: a.config.ResyncInterval, Publish: a.events.Publish, Modules: a.plane.modules,
	})
	a.engine = vrrp.NewEngine(vrrp.Config{
		Interfaces: a.plane.links, Addresses: a.plane.links, VirtualLinks: a.plane.links, Acceptance: a.plane.links, Routes: a.plane.links, Network: a.plane.network, Scripts: a.checker, Services: a.balancer, Log: a.log,
		StartupHold: a.config.StartupHold,
		Traces:      a.plane.traces,
		Changed: func() {
			a.tuner.Trigger()
			a.checker.Trigger()
		},
		Publish: a.events.Publish,
	})
	a.tuner = newTuner(a.config, a.plane.tuning, a.store, roles{a.engine}, a.events.Publish, a.log)
	a.hooks = hook.New(hook.Config{
		Director: a.config.Name, Events: a.events, Desired: a.store.Desired, Queue: store.NotificationsOf(a.store), Teller: a.plane.teller, Log: a.log,
	})
}

// openSockets opens those of the API and of the metrics, with what belongs to them.
func (a *Agent) openSockets() (err error) {
	if _, unix := a.config.UnixSocket(); a.config.Auth != nil && a.config.Auth.TokenFile != "" && !unix {
		if a.tokens, err = httpapi.LoadTokens(a.config.Auth.TokenFile, a.log); err != nil {
			return err
		}
	}
	if err := a.tlsFiles().Check(); err != nil {
		return err
	}
	if a.api, err = a.sockets.open("api", a.config.Listen); err != nil {
		return err
	}
	if a.config.MetricsListen != "" {
		a.metrics, err = a.sockets.open("metrics", a.config.MetricsListen)
	}
	return err
}

// tlsFiles are those of the API's listener.
func (a *Agent) tlsFiles() httpapi.TLSFiles {
	t := a.config.TLS
	if t == nil {
		return httpapi.TLSFiles{}
	}
	return httpapi.TLSFiles{Cert: t.CertFile, Key: t.KeyFile, ClientCA: t.ClientCAFile, AllowTLS12: t.MinimumVersion == config.TLS12}
}

// listen makes the servers of the API and of the metrics.
func (a *Agent) listen() error {
	if a.api == nil {
		if err := a.openSockets(); err != nil {
			return err
		}
	}
	counters := newCounters(a.checker, a.balancer, a.tuner, a.engine)
	handler := httpapi.Handler(httpapi.Config{
		Store: a.store, Degraded: a.store.Degraded(), Director: a, Routers: routers{a.engine}, Doubts: a.doubts, Facts: a.plane.facts, Table: a.balancer.Table, Events: a.events, Tokens: a.tokens, Clients: clients(a.config), Objects: func() int { return a.reloaded.Load().Limits.Objects }, Collectors: []prometheus.Collector{counters}, Version: a.version, Log: a.log,
	})
	api, err := httpapi.NewServer(a.api, a.tlsFiles(), a.tokens, a.config.Limits.Connections, handler, a.log)
	if err != nil {
		return err
	}
	a.servers = append(a.servers, api)
	if a.metrics == nil {
		return nil
	}
	metrics, err := httpapi.NewServer(a.metrics, httpapi.TLSFiles{}, nil, a.config.Limits.Connections, httpapi.MetricsHandler(a, counters), a.log)
	if err != nil {
		return err
	}
	a.servers = append(a.servers, metrics)
	return nil
}

// clients are what the names of client certificates allow; nil where the file names none.
func clients(c config.Config) map[string]httpapi.Scope {
	if c.Auth == nil || c.Auth.Clients == nil {
		return nil
	}
	scopes := map[string]httpapi.Scope{}
	for name, scope := range c.Auth.Clients {
		scopes[name] = httpapi.Scope(scope)
	}
	return scopes
}

// Started is closed when Run has applied the state and serves, or is degraded and serves.
func (a *Agent) Started() <-chan struct{} { return a.started }

// Alive returns if the parts still answer, and otherwise does not.
func (a *Agent) Alive() {
	a.engine.Status()
	a.store.Desired()
}

// Address returns where the API listens.
func (a *Agent) Address() net.Addr { return a.api.Addr() }

// Run does a director's work until the context ends, until another process has taken over, or, when it is degraded, until
// its state is restored. Then the API stops first, active instances hand over, and the kernel's table is left or released
// as the file says. Where another process took over nothing of that is done.
func (a *Agent) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.store.Degraded() != nil {
		return a.runDegraded(ctx)
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.events.Publish(a.startedEvent())
	parts, working := errgroup.WithContext(working)
	for _, run := range []func(context.Context) error{a.checker.Run, a.balancer.Run, a.engine.Run, a.tuner.Run} {
		parts.Go(func() error { return run(working) })
	}
	if a.plane.pulse != nil {
		parts.Go(func() error { return a.plane.pulse.Run(working) })
	}
	if err := a.begin(ctx, working); err != nil {
		stop()
		return errors.Join(err, parts.Wait())
	}
	parts.Go(func() error { a.listenForCommands(working); return nil })

	hooks := a.tellHooks(ctx)
	var handedOver bool
	for {
		var next *upgrade
		if next, err = a.serve(ctx, working); next == nil {
			break
		}
		hooks.finish()
		if handedOver = a.handOver(ctx, *next); handedOver {
			break
		}
		hooks = a.tellHooks(ctx)
	}
	stop()
	if handedOver {
		a.depart(parts)
		return ErrHandedOver
	}
	err = errors.Join(err, parts.Wait(), a.rest(ctx))
	hooks.finish()
	a.log.Info("director stopped", "name", a.config.Name)
	return err
}

// startedEvent is the first of a process.
func (a *Agent) startedEvent() spec.Event {
	started := spec.Event{Type: spec.EventAgentStarted, Name: a.config.Name}
	if a.from != nil {
		started.Reason = "it took over from an agent of version " + a.from.Version()
	}
	return started
}

// begin applies the stored state, or goes on where the process was whose place this one takes.
func (a *Agent) begin(ctx, working context.Context) error {
	if a.from != nil {
		if err := a.takeOver(ctx, working); err != nil {
			return err
		}
	} else if err := errors.Join(a.applyAll(func() error { return a.balancer.Sync(working) }), a.tuner.Sync(working)); err != nil {
		a.log.Error("the stored state could not be applied as a whole; it will be tried again", "error", err)
	}
	a.log.Info("director is at work", "name", a.config.Name, "version", a.version, "dataplane", a.config.Dataplane, "revision", a.store.Desired().Revision)
	return nil
}

// serve answers requests until the context ends, a part fails, or another process is to take over.
func (a *Agent) serve(ctx, working context.Context) (next *upgrade, err error) {
	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(working, func() { cancel(nil) }) // a part that failed takes the API down with it
	defer stop()
	api, serving := errgroup.WithContext(serving)
	for _, s := range a.servers {
		api.Go(func() error { return s.Run(serving) })
	}
	api.Go(func() error {
		if next = a.awaitUpgrade(serving); next != nil {
			cancel(httpapi.ErrPaused)
		}
		return nil
	})
	select {
	case <-a.started:
	default:
		close(a.started)
	}
	err = api.Wait()
	if err != nil && next != nil {
		next.next.Kill()
		a.failed(*next, err)
		next = nil
	}
	return next, err
}

// rest is what an agent does that stops, and that nobody goes on for.
func (a *Agent) rest(ctx context.Context) error {
	last, end := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer end()
	if a.reloaded.Load().OnStop == config.OnStopRelease {
		return errors.Join(a.balancer.Release(last), a.tuner.Release(last))
	}
	return a.tuner.Rest(last)
}

// telling is the hooks being told.
type telling struct {
	// finish has told all that has happened, or as much as there is time for, when it returns.
	finish func()
}

// tellHooks begins to tell hooks what happens. That the context ends is no reason to stop: something may still happen.
func (a *Agent) tellHooks(ctx context.Context) telling {
	ctx, allHappened := context.WithCancel(context.WithoutCancel(ctx))
	var hooks sync.WaitGroup
	hooks.Go(func() { _ = a.hooks.Run(ctx) }) // it never fails
	return telling{finish: func() {
		allHappened()
		hooks.Wait()
	}}
}

// Close gives back what New opened. Run does it by itself.
func (a *Agent) Close() error {
	var errs []error
	for _, s := range a.sockets.all {
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.plane.close != nil {
		errs = append(errs, a.plane.close())
	}
	if a.store != nil {
		if !a.handedOver.Load() {
			errs = append(errs, a.closeEvents())
		}
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// Apply makes the machine what the store says, and returns after the kernel was read back. The error
// is what concerns the object alone; failures of others are logged by the parts, which try again.
func (a *Agent) Apply(ctx context.Context, kind spec.Kind, key string) error {
	if kind == spec.KindRealServer || kind == spec.KindRealServerGroup {
		kind = spec.KindVirtualServer
		key, _, _ = strings.Cut(key, "/")
	}
	var services []string
	if kind == spec.KindVirtualServer {
		services = []string{key}
	}
	err := a.applyAll(func() error { return a.balancer.SyncServices(ctx, services...) }, services...)
	if kind == spec.KindIPVSSettings {
		err = errors.Join(err, a.tuner.Sync(ctx))
	}
	return spec.Concerning(err, kind, key)
}

// applyAll hands every part the whole of what is wanted; each takes the difference to what it does
// already, and looks for it in the changed virtual servers alone where some are named. Sync has the
// kernel's table written and read back: once for all who wait for it.
func (a *Agent) applyAll(sync func() error, changed ...string) error {
	d, err := a.hand(changed...)
	err = errors.Join(err, sync())
	if slices.ContainsFunc(changed, d.Tracked) {
		a.engine.Trigger()
	}
	a.applied.Store(true)
	return err
}

// hand tells the parts what is wanted, and returns it.
func (a *Agent) hand(changed ...string) (spec.Desired, error) {
	a.applying.Lock()
	defer a.applying.Unlock()
	d := a.store.Desired()
	a.checker.Set(d, changed...)
	a.balancer.Want(d, changed...)
	if len(changed) > 0 { // the rest is as it was
		return d, nil
	}
	a.tuner.Set(d.IPVSSettings)
	err := a.engine.Set(d.VRRPInstances)
	a.checker.Trigger() // the instances' addresses may be others
	return d, err
}

// verdictsChanged has those look again who act on verdicts, those on a script or on the servers of virtual servers.
func (a *Agent) verdictsChanged(virtualServers ...string) {
	a.engine.Trigger()
	if len(virtualServers) > 0 {
		a.balancer.Trigger(virtualServers...)
	}
}

// Check reports what this machine cannot do of an object.
func (a *Agent) Check(ctx context.Context, v any) spec.FieldErrors {
	switch v := v.(type) {
	case spec.VRRPInstance:
		return append(a.plane.links.Check(v), a.checkHooks(v.Notify)...)
	case spec.VirtualServer:
		return append(a.balancer.Check(ctx, v), a.checkHooks(v.Notify)...)
	case spec.CheckScript:
		return a.plane.checkCommand(sandbox.Command{Line: v.Command, Content: v.Content})
	case spec.IPVSSettings:
		return a.tuner.Check(ctx, v)
	}
	return nil
}

// doubts reports what this machine could do of an object, and probably not well.
func (a *Agent) doubts(v any) spec.FieldErrors {
	if v, ok := v.(spec.VRRPInstance); ok && a.plane.pulse != nil {
		return a.plane.pulse.Doubts(v)
	}
	return nil
}

// Ready reports why the director does not do its work yet.
func (a *Agent) Ready() error {
	if err := a.store.Degraded(); err != nil {
		return fmt.Errorf("degraded: %w", err)
	}
	if !a.applied.Load() {
		return errors.New("the stored state is not applied yet")
	}
	return nil
}

// Seen is Status as far as it is about an object. Of the kernel's table it says what was seen last.
func (a *Agent) Seen(ctx context.Context, kind spec.Kind, key string) spec.Status {
	if kind == spec.KindRealServer {
		kind = spec.KindVirtualServer
		key, _, _ = strings.Cut(key, "/")
	}
	if kind != spec.KindVirtualServer {
		return a.Status(ctx)
	}
	service, ok := a.balancer.Seen(key)
	if !ok {
		return spec.Status{}
	}
	services := map[string]spec.VirtualServerStatus{key: service}
	a.addFacts(services)
	return spec.Status{VirtualServers: services}
}

// Status says what is happening now.
func (a *Agent) Status(ctx context.Context) spec.Status {
	events := a.events.Status() // first: whoever goes on from there misses nothing
	services, table, drift := a.balancer.Status(ctx)
	a.addFacts(services)
	settings, tuned := a.tuner.Status(ctx)
	status := spec.Status{
		Name:           a.config.Name,
		Version:        a.version,
		Dataplane:      a.config.Dataplane,
		IPVS:           table,
		Revision:       a.store.Desired().Revision,
		Events:         events,
		VRRPInstances:  a.engine.Status(),
		VirtualServers: services,
		CheckScripts:   a.checker.Scripts(),
		IPVSSettings:   settings,
		Hooks:          a.hooks.Status(),
		Drift:          slices.Concat(drift, tuned, repairedLately(a.events)),
	}
	if err := a.store.Degraded(); err != nil {
		status.Degraded = err.Error()
	}
	return status
}

// String names the agent in logs.
func (a *Agent) String() string { return fmt.Sprintf("lvs-agent %s", a.config.Name) }
