package vrrp

import (
	"net/netip"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Parameters are what a virtual router is told about itself (RFC 9568 §6.1).
type Parameters struct {
	// Version is 3, or 2 where the rules of RFC 3768 differ.
	Version uint8
	// Primary is the source of adverts, and the tie-break: the interface's primary or link-local address,
	// or the one that unicast adverts come from.
	Primary netip.Addr
	// Priority is the effective one: 1 to 254, or 255 for the owner of the addresses.
	Priority uint8
	// Interval is the Advertisement_Interval that is used and told while active.
	Interval time.Duration
	// Preempt is Preempt_Mode: take over from an active router of lower priority.
	Preempt bool
	// PreemptDelay is how long one of lower priority is left alone from when it is first heard.
	PreemptDelay time.Duration
	// Hold keeps a backup from becoming active, and from preempting: what its addresses lead to is not
	// known yet.
	Hold bool
	// Grouped keeps a backup that could be active from it until Together: it has a sync group.
	Grouped bool
	// TieDelay is how long an active router leaves alone another one of equal priority that has the greater
	// address. It is 0 but in a sync group (tieDelay).
	TieDelay time.Duration
}

// maxHandOver bounds how long HandOver keeps addresses that nobody asks for. At long intervals what
// successionTime says is longer than a service manager waits for a process to stop.
const maxHandOver = 5 * time.Second

// Machine is the state machine of one virtual router (RFC 9568 §6.4). It is pure: time comes in with
// each Step, as the reading of any clock that never steps, and what should be done goes out.
//
// It has at most one deadline. The deadline is a value and no running timer, so one that was cancelled
// or moved cannot fire.
type Machine struct {
	params Parameters
	state  spec.InstanceState

	// activeInterval is Active_Adver_Interval: the one that the active router tells.
	activeInterval time.Duration
	activeRouter   netip.Addr

	deadline time.Duration
	pending  bool

	// failingOver: the addresses are kept until a successor is heard, and if none is, so is the role.
	failingOver bool
	// aside: handed over by Failover, and since then nobody is preempted.
	aside bool

	// ready: nobody else is active, or may go on to be, but the parameters hold the machine back.
	ready bool
	// following: the last advert was of one that stays active as far as this machine is concerned.
	following bool

	// challenging: an active router of lower priority is heard since challengedAt.
	challenging  bool
	challengedAt time.Duration

	// tied: another active router of equal priority and greater address is heard, from tiedAt to tieHeardAt.
	tied               bool
	tiedAt, tieHeardAt time.Duration

	// holding: the last word about the addresses was Acquire.
	holding bool
	// resuming: an earlier process was active, so Startup goes on where that one was.
	resuming bool
	// answerFrom is the time before which no further advert is sent out of turn, and announceFrom that before which
	// the addresses are not announced again.
	answerFrom, announceFrom time.Duration

	actions []Action
}

// NewMachine returns a machine in the state initialize.
func NewMachine(p Parameters) *Machine {
	return &Machine{params: p, state: spec.InstanceInitialize, activeInterval: p.Interval}
}

// State returns the current state.
func (m *Machine) State() spec.InstanceState { return m.state }

// Parameters returns the current parameters.
func (m *Machine) Parameters() Parameters { return m.params }

// ActiveRouter returns the address of the router that is active as far as this one knows, or the zero
// Addr.
func (m *Machine) ActiveRouter() netip.Addr { return m.activeRouter }

// FailingOver reports whether a Failover waits for a successor.
func (m *Machine) FailingOver() bool { return m.failingOver }

// Aside reports whether a Failover keeps the machine from preempting.
func (m *Machine) Aside() bool { return m.aside }

// Ready reports whether a backup would be active, were it not for its sync group.
func (m *Machine) Ready() bool {
	return m.state == spec.InstanceBackup && m.ready && !m.params.Hold
}

// Following reports whether a backup has an active router that it would not replace.
func (m *Machine) Following() bool { return m.state == spec.InstanceBackup && m.following }

// Deadline returns when Step wants a Timer event, if it wants one.
func (m *Machine) Deadline() (time.Duration, bool) { return m.deadline, m.pending }

// Step takes in an event and returns what is to be done. The result is valid until the next Step.
func (m *Machine) Step(now time.Duration, ev Event) []Action {
	m.actions = m.actions[:0]
	if m.overslept(now) {
		// The others have elected somebody meanwhile. Whatever the event is, it finds a backup that listens.
		m.toBackup(now, m.activeInterval)
	}
	switch ev := ev.(type) {
	case Startup:
		m.startup(now)
	case Resume:
		m.holding, m.resuming = true, true
	case Shutdown:
		m.leave(spec.InstanceInitialize)
	case HandOver:
		m.handOver(now)
	case Failover:
		m.failover(now)
	case TakePart:
		m.aside = false
	case Together:
		if m.Ready() {
			m.toActive(now)
		}
	case Yield:
		if m.state == spec.InstanceActive {
			m.send(priorityStop)
			m.toBackup(now, m.params.Interval)
		}
	case Fault:
		if m.state != spec.InstanceFault {
			m.leave(spec.InstanceFault)
		}
	case Timer:
		m.timer(now)
	case Configure:
		m.configure(now, ev.Parameters)
	case Advert:
		m.advert(now, ev)
	}
	return m.actions
}

// overslept: the deadline is past by more than the time after which others take over. No load explains
// that: the process or the machine was stopped.
func (m *Machine) overslept(now time.Duration) bool {
	if !m.pending || m.state == spec.InstanceInitialize && !m.failingOver {
		return false
	}
	return now-m.deadline > m.params.ActiveDownInterval(m.activeInterval)
}

// startup is §6.4.1.
func (m *Machine) startup(now time.Duration) {
	if m.state == spec.InstanceActive || m.state == spec.InstanceBackup || m.failingOver {
		return
	}
	owns := m.params.Priority == priorityOwner && !m.aside
	if m.resuming || owns && !m.held() {
		m.toActive(now)
		return
	}
	m.activeRouter, m.challenging = netip.Addr{}, false
	m.toBackup(now, m.params.Interval)
	m.ready = owns
}

// held reports whether something else decides when the machine becomes active.
func (m *Machine) held() bool { return m.params.Hold || m.params.Grouped }

func (m *Machine) timer(now time.Duration) {
	if !m.pending || now < m.deadline {
		return
	}
	switch m.state {
	case spec.InstanceBackup:
		if m.held() {
			m.ready, m.following = true, false
			m.deadline = now + m.params.ActiveDownInterval(m.activeInterval)
			return
		}
		m.toActive(now)
	case spec.InstanceActive:
		m.send(m.params.Priority)
		// In step with the last one, so that lateness does not add up.
		if m.deadline += m.params.Interval; m.deadline <= now {
			m.deadline = now + m.params.Interval
		}
	default: // handing over, and nobody came
		if m.failingOver {
			m.toActive(now)
			return
		}
		m.pending = false
		m.release()
	}
}

func (m *Machine) advert(now time.Duration, a Advert) {
	switch m.state {
	case spec.InstanceBackup:
		m.advertInBackup(now, a)
	case spec.InstanceActive:
		m.advertInActive(now, a)
	case spec.InstanceInitialize:
		if m.pending && a.Priority != priorityStop { // handing over, and here is the successor
			if m.failingOver {
				m.follow(now, a)
				return
			}
			m.activeRouter = a.Source
			m.pending = false
			m.release()
		}
	}
}

// advertInBackup is §6.4.2.
func (m *Machine) advertInBackup(now time.Duration, a Advert) {
	switch {
	case a.Priority == priorityStop:
		m.following = false
		m.deadline = now + m.params.SkewTime(m.activeInterval)
	case a.Priority >= m.params.Priority:
		m.challenging = false
		m.follow(now, a)
	case m.restrained(now):
		m.follow(now, a)
		m.following = m.aside || !m.params.Preempt
	default:
		m.activeRouter = a.Source // discarded otherwise: the timer runs out, and we take over
	}
}

// follow takes the sender for the active router.
func (m *Machine) follow(now time.Duration, a Advert) {
	m.activeRouter = a.Source
	m.toBackup(now, a.Interval)
	m.following = true
}

// restrained reports whether an active router of lower priority, which has just been heard, is left
// alone. An owner does so after a Failover only (§6.1).
func (m *Machine) restrained(now time.Duration) bool {
	if m.aside || m.params.Hold {
		return true
	}
	if m.params.Priority == priorityOwner {
		return false
	}
	if !m.challenging {
		m.challenging, m.challengedAt = true, now
	}
	return !m.params.Preempt || now-m.challengedAt < m.params.PreemptDelay
}

// advertInActive is §6.4.3. Addresses are compared as unsigned numbers in network order. Whoever is heard was active,
// too, or has just become it: a segment was divided and is whole again, and neighbours may have learnt the addresses
// from the one that is to yield. So the one that stays announces them.
func (m *Machine) advertInActive(now time.Duration, a Advert) {
	switch {
	case a.Priority == priorityStop:
		m.answer(now)
		m.announceAgain(now)
	case a.Priority > m.params.Priority:
		m.concede(now, a)
	case a.Priority == m.params.Priority && m.params.Primary.Less(a.Source):
		if m.losesTie(now) {
			m.concede(now, a)
		}
	case m.params.Version == Version2: // no advert (RFC 3768 §6.4.3)
		m.announceAgain(now)
	default:
		m.answer(now)
		m.announceAgain(now)
	}
}

// concede yields. A last advert tells the other router that there was one to yield: it may have been heard first, and
// would else not know that it has something to announce. To any other router it is one more advert of an active one.
func (m *Machine) concede(now time.Duration, a Advert) {
	m.answer(now)
	m.follow(now, a)
}

// losesTie reports whether an equal router of greater address has been there for long enough to yield to.
func (m *Machine) losesTie(now time.Duration) bool {
	if !m.tied || now-m.tieHeardAt > m.params.ActiveDownInterval(m.params.Interval) {
		m.tied, m.tiedAt = true, now
	}
	m.tieHeardAt = now
	return now-m.tiedAt >= m.params.TieDelay
}

// answer sends an advert out of turn, once an interval at most, so that a burst of adverts never
// causes a burst of answers.
func (m *Machine) answer(now time.Duration) {
	if now < m.answerFrom {
		return
	}
	m.answerFrom = now + m.params.Interval
	m.send(m.params.Priority)
	m.deadline = now + m.params.Interval
}

// announceAgain announces the addresses, once an interval at most, too, and not in the first: they have just been
// announced, and the router that was preempted sends its last advert.
func (m *Machine) announceAgain(now time.Duration) {
	if now < m.announceFrom {
		return
	}
	m.announceFrom = now + m.params.Interval
	m.actions = append(m.actions, Announce{})
}

func (m *Machine) configure(now time.Duration, p Parameters) {
	old := m.params
	m.params = p
	switch m.state {
	case spec.InstanceBackup:
		before := old.ActiveDownInterval(m.activeInterval)
		if !m.activeRouter.IsValid() {
			m.activeInterval = p.Interval // nobody has told another
		}
		m.deadline += p.ActiveDownInterval(m.activeInterval) - before
		if m.ready && !m.held() { // it was only ever held back
			m.deadline = now
		}
	case spec.InstanceActive:
		m.activeRouter, m.activeInterval = p.Primary, p.Interval
		// A longer interval is told in the next advert, which comes when the others expect it. A shorter
		// one counts from now.
		m.deadline = min(m.deadline, now+p.Interval)
	}
}

func (m *Machine) handOver(now time.Duration) {
	switch {
	case m.failingOver: // has said so already
		m.failingOver = false
		m.deadline = min(m.deadline, now+maxHandOver)
	case m.state != spec.InstanceActive:
		m.leave(spec.InstanceInitialize)
	default:
		m.awaitSuccessor(now, min(successionTime(m.params.Interval), maxHandOver))
	}
}

func (m *Machine) failover(now time.Duration) {
	m.aside = true
	if m.state == spec.InstanceActive {
		m.failingOver = true
		m.awaitSuccessor(now, successionTime(m.params.Interval))
	}
}

func (m *Machine) awaitSuccessor(now, atMost time.Duration) {
	m.send(priorityStop)
	m.state = spec.InstanceInitialize
	m.activeRouter = netip.Addr{}
	m.deadline = now + atMost
}

// leave goes to a state outside the election. Only an active router tells the others (§6.4.2, §6.4.3).
func (m *Machine) leave(state spec.InstanceState) {
	if m.state == spec.InstanceActive {
		m.send(priorityStop)
	}
	m.release()
	m.resuming = false
	m.state = state
	m.pending, m.failingOver = false, false
	m.activeRouter = netip.Addr{}
}

// toActive sends first: the advert is what keeps the others from taking over, too.
func (m *Machine) toActive(now time.Duration) {
	m.state, m.resuming, m.challenging, m.failingOver, m.aside = spec.InstanceActive, false, false, false, false
	m.activeRouter, m.activeInterval = m.params.Primary, m.params.Interval
	m.deadline, m.pending = now+m.params.Interval, true
	m.answerFrom, m.announceFrom, m.tied = now, now+m.params.Interval, false
	m.send(m.params.Priority)
	if m.holding { // nobody took over
		m.actions = append(m.actions, Announce{})
		return
	}
	m.holding = true
	m.actions = append(m.actions, Acquire{})
}

func (m *Machine) toBackup(now time.Duration, activeInterval time.Duration) {
	m.release()
	if m.state == spec.InstanceActive && m.activeRouter == m.params.Primary {
		m.activeRouter = netip.Addr{}
	}
	m.state, m.failingOver = spec.InstanceBackup, false
	m.ready, m.following = false, false
	m.activeInterval = activeInterval
	m.deadline, m.pending = now+m.params.ActiveDownInterval(activeInterval), true
}

func (m *Machine) send(priority uint8) {
	m.actions = append(m.actions, SendAdvert{Priority: priority})
}

func (m *Machine) release() {
	if m.holding {
		m.holding = false
		m.actions = append(m.actions, Release{})
	}
}
