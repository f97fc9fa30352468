package vrrp

import (
	"maps"
	"net/netip"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Handover is what one process tells the next of its instances, so that those go on there as if nothing had happened:
// who is active stays it, and the next advert leaves when it is due. Times are readings of CLOCK_BOOTTIME, which all
// processes share.
type Handover struct {
	// At is when they stopped to hear and to decide.
	At        spec.Duration               `json:"at"`
	Instances map[string]InstanceHandover `json:"instances"`
	// Holds are until when Hold keeps instances back.
	Holds map[string]time.Time `json:"holds,omitempty"`
}

// InstanceHandover is one instance.
type InstanceHandover struct {
	Machine MachineState           `json:"machine"`
	Shown   spec.VRRPInstanceState `json:"shown"`
	// Announced says that no announcement of the addresses is left to be made but those that refresh.
	Announced bool `json:"announced"`
}

// MachineState is all that a Machine remembers. The fields are those of Machine.
type MachineState struct {
	Version        uint8              `json:"version"`
	Primary        netip.Addr         `json:"primary"`
	Priority       uint8              `json:"priority"`
	Interval       spec.Duration      `json:"interval"`
	Preempt        bool               `json:"preempt"`
	PreemptDelay   spec.Duration      `json:"preempt_delay"`
	Hold           bool               `json:"hold"`
	Grouped        bool               `json:"grouped"`
	TieDelay       spec.Duration      `json:"tie_delay"`
	State          spec.InstanceState `json:"state"`
	ActiveInterval spec.Duration      `json:"active_interval"`
	ActiveRouter   netip.Addr         `json:"active_router"`
	Deadline       spec.Duration      `json:"deadline"`
	Pending        bool               `json:"pending"`
	FailingOver    bool               `json:"failing_over"`
	Aside          bool               `json:"aside"`
	Ready          bool               `json:"ready"`
	Following      bool               `json:"following"`
	Challenging    bool               `json:"challenging"`
	ChallengedAt   spec.Duration      `json:"challenged_at"`
	Tied           bool               `json:"tied"`
	TiedAt         spec.Duration      `json:"tied_at"`
	TieHeardAt     spec.Duration      `json:"tie_heard_at"`
	Holding        bool               `json:"holding"`
	Resuming       bool               `json:"resuming"`
	AnswerFrom     spec.Duration      `json:"answer_from"`
	AnnounceFrom   spec.Duration      `json:"announce_from"`
}

// Remember returns all that the machine remembers.
func (m *Machine) Remember() MachineState {
	p := m.params
	return MachineState{
		Version: p.Version, Primary: p.Primary, Priority: p.Priority, Interval: spec.Duration(p.Interval), Preempt: p.Preempt,
		PreemptDelay: spec.Duration(p.PreemptDelay), Hold: p.Hold, Grouped: p.Grouped, TieDelay: spec.Duration(p.TieDelay),
		State: m.state, ActiveInterval: spec.Duration(m.activeInterval), ActiveRouter: m.activeRouter,
		Deadline: spec.Duration(m.deadline), Pending: m.pending, FailingOver: m.failingOver, Aside: m.aside,
		Ready: m.ready, Following: m.following, Challenging: m.challenging, ChallengedAt: spec.Duration(m.challengedAt),
		Tied: m.tied, TiedAt: spec.Duration(m.tiedAt), TieHeardAt: spec.Duration(m.tieHeardAt),
		Holding: m.holding, Resuming: m.resuming, AnswerFrom: spec.Duration(m.answerFrom), AnnounceFrom: spec.Duration(m.announceFrom),
	}
}

// MachineOf returns a machine that goes on where another one was.
func MachineOf(s MachineState) *Machine {
	return &Machine{
		params: Parameters{
			Version: s.Version, Primary: s.Primary, Priority: s.Priority, Interval: s.Interval.Std(), Preempt: s.Preempt,
			PreemptDelay: s.PreemptDelay.Std(), Hold: s.Hold, Grouped: s.Grouped, TieDelay: s.TieDelay.Std(),
		},
		state: s.State, activeInterval: s.ActiveInterval.Std(), activeRouter: s.ActiveRouter,
		deadline: s.Deadline.Std(), pending: s.Pending, failingOver: s.FailingOver, aside: s.Aside,
		ready: s.Ready, following: s.Following, challenging: s.Challenging, challengedAt: s.ChallengedAt.Std(),
		tied: s.Tied, tiedAt: s.TiedAt.Std(), tieHeardAt: s.TieHeardAt.Std(),
		holding: s.Holding, resuming: s.Resuming, answerFrom: s.AnswerFrom.Std(), announceFrom: s.AnnounceFrom.Std(),
	}
}

// later is the state after the time for which nobody decided. An active machine's adverts went on in step. What a backup
// waits for it waits for as much longer: what others said meanwhile nobody heard.
func (s MachineState) later(at, now time.Duration) MachineState {
	interval := s.Interval.Std()
	switch {
	case !s.Pending || now <= at:
	case s.State == spec.InstanceActive && interval > 0:
		if late := now - s.Deadline.Std(); late >= 0 {
			s.Deadline += spec.Duration((late/interval + 1) * interval)
		}
	default:
		s.Deadline += spec.Duration(now - at)
	}
	return s
}

// Await has an engine that does not run yet prepare all that it can, and take part in nothing: another process does
// that, until TakeOver. The channel is closed when the engine runs.
func (e *Engine) Await() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.awaited = make(chan struct{})
	e.awaiting = true
	return e.awaited
}

// TakeOver has an engine that awaits it take part from now on, each instance as another process handed it over; one that
// was not handed over goes on as after a crash. When it returns, adverts leave here. What is left to do with the
// addresses, which were left as they are, settle does.
func (e *Engine) TakeOver(h Handover) (settle func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loop == nil || !e.awaiting {
		return nil, ErrNotRunning
	}
	l, now := e.loop, monotonic()
	e.awaiting = false
	for name, until := range h.Holds {
		e.holds[name] = until
		time.AfterFunc(time.Until(until), e.Trigger)
	}
	var taken []*router
	for name, in := range e.prepared {
		en := e.entries[name]
		was, handed := h.Instances[name]
		if !handed {
			continue // reconcile tells those
		}
		if en.held = !was.Machine.Hold; en.held {
			in.hold, in.params.Hold = "", false
		}
		r := e.newRouter(name, en)
		was.Machine = was.Machine.later(h.At.Std(), now)
		r.inherit(was)
		en.router, en.told = r, in
		taken = append(taken, r)
		l.post(func() {
			l.routers = append(l.routers, r)
			r.apply(l, monotonic(), *in)
		})
	}
	e.prepared = nil
	l.flush()
	return func() { e.settle(taken, h) }, nil
}

// settle has the holder look after the addresses of those that were taken over, and the engine after everything.
func (e *Engine) settle(taken []*router, h Handover) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loop == nil {
		return
	}
	for _, r := range taken {
		if was := h.Instances[r.name]; was.Machine.Holding && was.Announced {
			e.holder.inherit(r)
		} else {
			e.holder.add(r)
		}
	}
	e.reconcile()
}

// inherit makes the router go on where that of another process was. It is called before anybody else knows the router.
func (r *router) inherit(was InstanceHandover) {
	r.machine = MachineOf(was.Machine)
	w := *r.wish.Load()
	w.active = was.Machine.Holding
	r.wish.Store(&w)
	shown := was.Shown
	r.state.Store(&shown)
	r.reason, r.hold = shown.Reason, ""
	if shown.State == spec.InstanceBackup {
		r.reason, r.hold = "", shown.Reason
	}
	r.following.Store(r.machine.Following())
}

// Suspend has all instances stop where they are, without saying so to anybody: who is active repeats its adverts, until
// another process on the same Traces is heard to, and the addresses stay. It returns what that one has to know to go on.
// The engine hears and decides nothing until Continue, and ends without a word when it is stopped before that.
func (e *Engine) Suspend() (Handover, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loop == nil {
		return Handover{}, ErrNotRunning
	}
	h := Handover{Instances: make(map[string]InstanceHandover, len(e.entries)), Holds: maps.Clone(e.holds)}
	e.suspended = true
	announced := e.holder.pause()
	l := e.loop
	l.post(func() {
		l.now = monotonic()
		l.hear()
		l.suspended = true
		h.At = spec.Duration(l.now)
		for _, r := range l.routers {
			r.suspend(l.now)
			h.Instances[r.name] = InstanceHandover{Machine: r.machine.Remember(), Shown: *r.state.Load(), Announced: announced[r]}
		}
	})
	l.flush()
	return h, nil
}

// Continue ends a Suspend: instances go on where they were.
func (e *Engine) Continue() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.suspended {
		return
	}
	e.suspended = false
	if e.loop == nil {
		return
	}
	l := e.loop
	l.post(func() {
		l.suspended = false
		now := monotonic()
		for _, r := range l.routers {
			r.machine = MachineOf(r.machine.Remember().later(r.relay.since, now))
		}
	})
	e.holder.proceed()
	e.reconcile()
}

// relay repeats the adverts of an instance that was suspended as active.
type relay struct {
	since time.Duration // the suspension began
	due   time.Duration
	last  int64 // the trace of the last advert of ours
	over  bool  // another process sends them
}

// relayLate is by which share of its interval a repeated advert leaves late: so another process that sends it in time is
// noticed before.
const relayLate = goAlong

func (r *router) suspend(now time.Duration) {
	interval := r.machine.Parameters().Interval
	deadline, _ := r.machine.Deadline()
	r.relay = relay{since: now, due: deadline + interval/relayLate, last: r.lastAdvert.Load(), over: r.machine.State() != spec.InstanceActive}
}

// repeat sends an advert of an instance that is suspended, if one is due and nobody else sends it.
func (r *router) repeat(l *loop) {
	if r.relay.over || l.now < r.relay.due {
		return
	}
	if r.lastAdvert.Load() != r.relay.last {
		r.relay.over = true
		return
	}
	p := r.machine.Parameters()
	r.send(l, p.Priority)
	r.relay.last = r.lastAdvert.Load()
	r.relay.due += (1 + (l.now-r.relay.due)/p.Interval) * p.Interval
}
