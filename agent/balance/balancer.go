package balance

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/drift"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Kernel is the IPVS table: see ipvs.Kernel and ipvs.Fake.
type Kernel interface {
	// Info returns the version of IPVS.
	Info(context.Context) (version string, err error)
	// Read returns the whole table and its counters.
	Read(context.Context) (ipvs.Table, ipvs.Stats, error)
	// ReadServices returns the part of the table that has these keys.
	ReadServices(context.Context, ...ipvs.ServiceKey) (ipvs.Table, ipvs.Stats, error)
	// Apply changes the table and says how many writes that took, also with an error.
	Apply(context.Context, []ipvs.Op) (writes int, err error)
}

// Health knows the verdicts of checks.
type Health interface {
	// Server returns the verdict on a real server that has a check, and what the check last said.
	Server(spec.ServerKey) (v Verdict, reason string)
}

// DriftPolicy says what is done about changes that somebody else made.
type DriftPolicy string

// The policies: undo them within a resync, or leave them and say so.
const (
	Repair DriftPolicy = "repair"
	Report DriftPolicy = "report"
)

// DefaultResyncInterval is how often the table is compared with nobody asking. Drift lasts as long; a
// comparison reads each service once.
const DefaultResyncInterval = 30 * time.Second

// Config is what a Balancer needs.
type Config struct {
	Kernel Kernel
	Health Health
	// Weights returns the weight that its check script gives a server; ok is false while it says none. It may be nil.
	Weights func(spec.ServerKey) (weight int, ok bool)
	Ledger  Ledger
	Drains  Drains
	Log     *slog.Logger
	// DriftPolicy is Repair if empty.
	DriftPolicy DriftPolicy
	// ResyncInterval is DefaultResyncInterval if 0.
	ResyncInterval time.Duration
	// Publish is told what happens to services and servers. It may be nil, and must not block.
	Publish func(...spec.Event)
	// Modules says what the kernel's IPVS has; nil where nobody knows.
	Modules func() (ipvs.Modules, error)
}

// Balancer keeps the kernel's table equal to what the desired services and their checks ask for. Its
// methods may be called by several goroutines, before and after Run.
type Balancer struct {
	kernel   Kernel
	health   Health
	weights  func(spec.ServerKey) (int, bool)
	ledger   *claims
	drains   Drains
	log      *slog.Logger
	policy   DriftPolicy
	interval time.Duration
	counters drift.Counters
	publish  func(...spec.Event)
	modules  func() (ipvs.Modules, error)

	// turn holds one token: whoever has taken it passes. It guards what follows it.
	turn chan struct{}
	// base is what was last wanted, nil before that and when the kernel has lost it all.
	base ipvs.Table
	// succeeds: another process has made the table what it is.
	succeeds bool
	// inherited is until when services that somebody else set up keep what nobody has asked for yet.
	inherited map[ipvs.ServiceKey]time.Time
	// noticed is the drift that the last pass left.
	noticed []spec.Drift
	told    told
	// done counts the requests that passes have served; failure is how the last one ended.
	done    uint64
	failure error
	// logged is the failure that was last logged.
	logged string

	// asked counts requests for a pass.
	asked atomic.Uint64
	// wake holds a token when Run has a request to serve.
	wake chan struct{}

	mu      sync.Mutex
	desired *spec.Desired // nil until Set
	// task is what the requests ask for that no pass has begun to serve.
	task task
	// view is written to with the turn and the lock, so whoever has the turn reads it as it is.
	view view
}

// New returns a Balancer that does nothing yet.
func New(c Config) *Balancer {
	if c.DriftPolicy == "" {
		c.DriftPolicy = Repair
	}
	if c.ResyncInterval == 0 {
		c.ResyncInterval = DefaultResyncInterval
	}
	if c.Publish == nil {
		c.Publish = func(...spec.Event) {}
	}
	if c.Modules == nil {
		c.Modules = func() (ipvs.Modules, error) { return nil, nil }
	}
	return &Balancer{
		kernel: c.Kernel, health: c.Health, weights: c.Weights, ledger: &claims{ledger: c.Ledger}, drains: c.Drains, log: c.Log, policy: c.DriftPolicy, interval: c.ResyncInterval, publish: c.Publish, modules: c.Modules,
		inherited: map[ipvs.ServiceKey]time.Time{},

		turn: make(chan struct{}, 1),
		wake: make(chan struct{}, 1),
	}
}

// Set says what is desired. Before the first Set nothing is written: an agent that does not know yet
// what it wants must not take its services for unwanted.
func (b *Balancer) Set(d spec.Desired) {
	b.Want(d)
	b.Trigger()
}

// SetDriftPolicy has passes from now on go by another policy.
func (b *Balancer) SetDriftPolicy(ctx context.Context, p DriftPolicy) error {
	if err := b.take(ctx); err != nil {
		return err
	}
	defer b.give()
	b.policy = p
	return nil
}

// Metrics returns what was counted so far: writes are messages that change the kernel's table.
func (b *Balancer) Metrics() drift.Metrics { return b.counters.Metrics() }

// Want is Set for a caller whose Sync follows: it leaves the work to that. Changed are the virtual servers
// in which d is not what was wanted before; without any it may differ anywhere.
func (b *Balancer) Want(d spec.Desired, changed ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	about := named(changed...)
	if len(changed) == 0 || b.desired == nil {
		about = scope{all: true}
	}
	b.desired = &d
	b.task.add(task{about: about})
}

// Trigger says that verdicts on the servers of these virtual servers may have changed, without any of all. It
// does not wait, and many are served at once.
func (b *Balancer) Trigger(virtualServers ...string) {
	about := named(virtualServers...)
	if len(virtualServers) == 0 {
		about = scope{all: true}
	}
	b.mu.Lock()
	b.task.add(task{about: about})
	b.asked.Add(1)
	b.mu.Unlock()
	b.rouse()
}

// rouse has Run look whether there is work, or will be.
func (b *Balancer) rouse() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Sync makes the whole table what is wanted and returns after it was read back. It undoes what somebody
// else changed also under the policy Report. Calls that come while another works are served together. A
// failure is tried again by Run.
func (b *Balancer) Sync(ctx context.Context) error {
	return b.sync(ctx, task{whole: true, undo: scope{all: true}})
}

// SyncServices is Sync for the virtual servers of these names, and for those of which something else is
// wanted than before: nothing else is read. When the last attempt failed, it is Sync of the whole table.
func (b *Balancer) SyncServices(ctx context.Context, names ...string) error {
	return b.sync(ctx, task{undo: named(names...)})
}

func (b *Balancer) sync(ctx context.Context, t task) error {
	b.mu.Lock()
	b.task.add(t)
	request := b.asked.Add(1)
	b.mu.Unlock()
	defer b.rouse() // Run looks after what begins here, what failed, and what nobody waits for any more
	if err := b.take(ctx); err != nil {
		return err
	}
	defer b.give()
	if b.done >= request {
		return b.failure
	}
	return b.pass(ctx, task{})
}

// Run serves requests and compares from time to time, until the context ends. A kernel that fails is
// tried again, at longer and longer intervals.
func (b *Balancer) Run(ctx context.Context) error {
	resync := time.NewTicker(b.interval)
	defer resync.Stop()
	retry := time.NewTimer(b.interval)
	retry.Stop()
	defer retry.Stop()
	drain := time.NewTimer(drainPoll)
	drain.Stop()
	defer drain.Stop()
	rest := time.NewTimer(longestRest)
	rest.Stop()
	defer rest.Stop()
	wake, wait, retries := b.wake, firstRetry, false
	for {
		unasked, drains := true, false
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
			wake = b.wake
			continue
		case <-wake:
			unasked = false
		case <-resync.C:
		case <-retry.C:
		case <-drain.C:
			unasked, drains = false, true
		}
		if err := b.take(ctx); err != nil {
			return nil
		}
		works := unasked || drains || b.done < b.asked.Load()
		if works {
			began := time.Now()
			_ = b.pass(ctx, task{whole: unasked}) // it has logged what failed
			wake = nil
			rest.Reset(restAfter(time.Since(began)))
		}
		failed := b.failure != nil
		if wait, moves := b.untilStep(time.Now()); moves && failed {
			drain.Reset(max(wait, drainPoll)) // what is over may be what cannot be written
		} else if moves {
			drain.Reset(wait)
		}
		b.give()
		switch {
		case !failed:
			wait, retries = firstRetry, false
			retry.Stop()
		case works || !retries:
			retries = true
			retry.Reset(wait)
			wait = min(2*wait, b.interval)
		}
	}
}

// longestRest bounds how late a pass is for what was asked for meanwhile, in favour of what asks for more.
const longestRest = time.Second

// restAfter returns how long requests are collected after a pass, so that those that come one by one, as the first
// verdicts on a large service do, cost a quarter of one core's time and not all of it. Sync does not wait for it.
func restAfter(pass time.Duration) time.Duration { return min(3*pass, longestRest) }

// firstRetry is the time after which a failed pass is repeated. It doubles up to the resync interval.
const firstRetry = time.Second

// take waits for the turn.
func (b *Balancer) take(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *Balancer) give() { <-b.turn }
