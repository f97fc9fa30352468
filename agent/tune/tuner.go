package tune

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/drift"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// IPVS is what the kernel's IPVS has beside its table: see ipvs.Kernel and ipvs.FakeSettings.
type IPVS interface {
	// Settings reads it, and loads the module where it may.
	Settings(context.Context) (ipvs.Settings, error)
	StartDaemon(context.Context, ipvs.SyncDaemon) error
	StopDaemon(context.Context, ipvs.SyncDaemon) error
	// SetTimeouts sets those that are not 0.
	SetTimeouts(context.Context, ipvs.Timeouts) error
}

// Roles knows which VRRP instances are active here.
type Roles interface {
	Role(instance string) Role
}

// DriftPolicy says what is done about changes that somebody else made.
type DriftPolicy string

// The policies: undo them within a resync, or leave them and say so.
const (
	Repair DriftPolicy = "repair"
	Report DriftPolicy = "report"
)

// DefaultResyncInterval is how often the settings are compared with nobody asking.
const DefaultResyncInterval = 30 * time.Second

// firstRetry is the time after which a failed pass is repeated. It doubles up to the resync interval.
const firstRetry = time.Second

// Config is what a Tuner needs.
type Config struct {
	IPVS    IPVS
	Machine Machine
	Roles   Roles
	Ledger  Ledger
	Log     *slog.Logger
	// Identity names the boot and the network namespace: what was recorded under another is void.
	Identity string
	// Publish is told of drift. It may be nil, and must not block.
	Publish func(...spec.Event)
	// DriftPolicy is Repair if empty.
	DriftPolicy DriftPolicy
	// ResyncInterval is DefaultResyncInterval if 0.
	ResyncInterval time.Duration
}

// Tuner keeps the settings as they are asked for. Its methods may be called by several goroutines, before and
// after Run.
type Tuner struct {
	Config
	counters drift.Counters
	// wake holds a token when Run has something to look at.
	wake chan struct{}

	// turn is held for a pass. It guards what follows it.
	turn sync.Mutex
	// base is what was last wanted, nil before that and when the kernel has lost it all.
	base *settings
	// suspended: nothing is written.
	suspended bool
	// succeeds: another process has made the settings what they are.
	succeeds bool
	// noticed is the drift that was noticed and that the last pass left.
	noticed []spec.Drift
	// on has the indexes of the interfaces that the daemons were started or found on.
	on [2]int
	// logged is the failure that was last logged.
	logged string

	mu sync.Mutex
	// wanted is nil when nothing is asked for, and asked says that this is known.
	wanted *spec.IPVSSettings
	asked  bool
	// resting says that no instance is active here any more, whatever the roles are.
	resting bool
	view    view
}

// New returns a Tuner that does nothing yet.
func New(c Config) *Tuner {
	if c.DriftPolicy == "" {
		c.DriftPolicy = Repair
	}
	if c.ResyncInterval == 0 {
		c.ResyncInterval = DefaultResyncInterval
	}
	if c.Publish == nil {
		c.Publish = func(...spec.Event) {}
	}
	return &Tuner{Config: c, wake: make(chan struct{}, 1)}
}

// Set says what is asked for; nil is nothing. Before the first Set nothing is written.
func (t *Tuner) Set(v *spec.IPVSSettings) {
	t.mu.Lock()
	changed := !t.asked || !spec.Equal(t.wanted, v)
	t.wanted, t.asked = v, true
	t.mu.Unlock()
	if changed {
		t.Trigger()
	}
}

// SetDriftPolicy has passes from now on go by another policy.
func (t *Tuner) SetDriftPolicy(p DriftPolicy) {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.DriftPolicy = p
}

// Metrics returns what was counted so far.
func (t *Tuner) Metrics() drift.Metrics { return t.counters.Metrics() }

// Trigger says that a role may have changed. It does not wait.
func (t *Tuner) Trigger() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Sync makes the settings what is asked for, drift that is only to be reported included, and returns after
// they were read back. A failure is tried again by Run.
func (t *Tuner) Sync(ctx context.Context) error {
	err := t.pass(ctx, everything)
	if err != nil {
		t.Trigger()
	}
	return err
}

// Run looks when it is told to and from time to time, until the context ends. What fails is tried again, at
// longer and longer intervals.
func (t *Tuner) Run(ctx context.Context) error {
	wait := firstRetry
	next := time.NewTimer(t.ResyncInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		case <-next.C:
		}
		if err := t.pass(ctx, whatWeChanged); err != nil {
			next.Reset(wait)
			wait = min(2*wait, t.ResyncInterval)
			continue
		}
		wait = firstRetry
		next.Reset(t.ResyncInterval)
	}
}

// Rest is for an agent that stops and leaves the settings: nobody is active here any more, so a director that
// follows an instance only hears of connections from now on.
func (t *Tuner) Rest(ctx context.Context) error {
	t.mu.Lock()
	t.resting = true
	following := t.wanted != nil && t.wanted.ConnectionSync != nil && t.wanted.ConnectionSync.Follow != ""
	t.mu.Unlock()
	if !following {
		return nil
	}
	return t.pass(ctx, whatWeChanged)
}

// Release puts back what the settings were, and stops the sync daemons if they are ours.
func (t *Tuner) Release(ctx context.Context) error {
	t.Set(nil)
	return t.pass(ctx, everything)
}

// Check reports why this machine cannot have the settings.
func (t *Tuner) Check(ctx context.Context, v spec.IPVSSettings) spec.FieldErrors {
	now, err := t.read(ctx)
	if err != nil {
		return spec.FieldErrors{{Detail: "this director has no IPVS to set: " + err.Error()}}
	}
	var errs spec.FieldErrors
	wanted := asked(&v)
	for _, f := range wanted.fields() {
		if _, there := now.numbers[f]; !there {
			errs = append(errs, spec.FieldError{Pointer: f.pointer(), Detail: f.missing()})
		}
	}
	if s := v.ConnectionSync; s != nil {
		if _, err := t.reach(*syncDaemons(*s, RoleActive, daemons{}).master); err != nil {
			errs = append(errs, spec.FieldError{Pointer: "/connection_sync/interface", Detail: err.Error()})
		}
	}
	return errs
}

// reach returns the index of a daemon's interface, or why the daemon would not be heard there: the kernel
// starts it all the same, and says so in its log alone.
func (t *Tuner) reach(d ipvs.SyncDaemon) (index int, err error) {
	i, err := t.Machine.Interface(d.Interface)
	if err != nil {
		return 0, err
	}
	if !d.Group.Is4() {
		return i.Index, nil
	}
	for _, a := range i.Addresses {
		if a.Is4() {
			return i.Index, nil
		}
	}
	return 0, fmt.Errorf("%s has no IPv4 address, which sync messages to %s come from: give it one, or use another interface", d.Interface, d.Group)
}
