package vrrp

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// elections is how many random histories of a segment are played.
const elections = 10_000

// The advertisement intervals in a segment: all have the longest, or each its own. A backup may go by
// one that nobody has any more.
const (
	shortestInterval = 50 * ms
	longestInterval  = 200 * ms
)

// longestPreemptDelay is how long a router of higher priority may hold back in a segment.
const longestPreemptDelay = 300 * ms

// However badly a segment was treated, once it is left alone there is one active router in each part
// of it, no later than the longest down interval, and what preemption may take more; and it stays so. No
// router that preempts has a higher priority, and at no time does an active one yield to one that ranks lower.
func TestElection_75_OneActiveRouterInEachPart(t *testing.T) {
	t.Parallel()
	var players sync.WaitGroup
	workers := uint64(runtime.GOMAXPROCS(0))
	for first := range workers {
		players.Go(func() {
			for seed := first; seed < elections && !t.Failed(); seed += workers {
				if err := play(seed, nil); err != nil {
					trace := &strings.Builder{}
					_ = play(seed, trace)
					t.Errorf("seed %d: %v\n%s", seed, err, trace)
				}
			}
		})
	}
	players.Wait()
}

// segment is a network of routers that nobody can rely on. All that happens follows from the seed.
type segment struct {
	rand  *rand.Rand
	trace *strings.Builder // nil: nobody reads it
	mixed bool             // the routers have different intervals
	now   time.Duration
	nodes []*node
	// flying are the adverts that are under way, the next first.
	flying []flight

	loss     float64
	twice    float64 // share of adverts that arrive twice
	maxDelay time.Duration
	cut      [][]bool // cut[from][to]
}

type flight struct {
	at     time.Duration
	to     int
	advert Advert
}

// node is a router as loop runs it: it reads all that waits, and then looks at the time.
type node struct {
	index   int
	machine *Machine
	// stalledUntil: the process does not run before.
	stalledUntil time.Duration
	inbox        []Advert
	holding      bool
	transitions  int
	wronged      error // it yielded to one that it should not have yielded to
}

func play(seed uint64, trace *strings.Builder) error {
	s := newSegment(seed, trace)
	for range 5 + s.rand.IntN(40) {
		s.disturb()
		if err := s.run(s.now + s.upTo(2*longestInterval)); err != nil {
			return err
		}
	}
	parts := s.calm()
	// One who hears nobody waits for Active_Down_Interval at most, which is below four intervals, and
	// what was said before the calm may come late by a delay.
	settling := 4*longestInterval + 2*s.maxDelay
	if s.mixed {
		// Whoever yields may have sent his last advert when the new active router sent its first. One
		// that hears them in this order goes by the interval of the former, and if that is the shorter
		// one may take over for a moment.
		settling *= 2
	}
	// One of lower priority may be first, and is then followed for a delay before it is let run out.
	settling += longestPreemptDelay + 4*longestInterval
	if err := s.run(s.now + settling); err != nil {
		return err
	}
	if err := s.check(parts); err != nil {
		return fmt.Errorf("after the down interval: %w", err)
	}
	for _, n := range s.nodes {
		n.transitions = 0
	}
	if err := s.run(s.now + 10*longestInterval); err != nil {
		return err
	}
	for _, n := range s.nodes {
		if n.transitions > 0 {
			return fmt.Errorf("router %d changed its state in peace", n.index)
		}
	}
	if err := s.check(parts); err != nil {
		return err
	}
	return s.checkKnown(parts)
}

func newSegment(seed uint64, trace *strings.Builder) *segment {
	s := &segment{rand: rand.New(rand.NewPCG(seed, 75)), trace: trace, mixed: seed%2 == 1}
	for i := range 3 + s.rand.IntN(3) {
		n := &node{index: i, machine: NewMachine(s.parameters(i))}
		s.nodes = append(s.nodes, n)
	}
	s.mend()
	for _, n := range s.nodes {
		s.step(n, Startup{})
	}
	return s
}

// parameters draws some for a router. Priorities are few, so that many are equal.
func (s *segment) parameters(index int) Parameters {
	priorities := []uint8{1, 100, 100, 150, 254, priorityOwner}
	delays := []time.Duration{0, 0, 100 * ms, longestPreemptDelay}
	intervals := []time.Duration{shortestInterval, 100 * ms, 100 * ms, longestInterval}
	if !s.mixed {
		intervals = intervals[3:]
	}
	return Parameters{
		Primary:  netip.AddrFrom4([4]byte{192, 0, 2, byte(125 + index)}),
		Priority: priorities[s.rand.IntN(len(priorities))],
		Interval: intervals[s.rand.IntN(len(intervals))],
		// A delay goes with preemption only.
		Preempt:      s.rand.IntN(4) > 0,
		PreemptDelay: delays[s.rand.IntN(len(delays))],
	}
}

func (s *segment) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(d) + 1))
}

// disturb does one thing that a segment and its routers may suffer.
func (s *segment) disturb() {
	n := s.nodes[s.rand.IntN(len(s.nodes))]
	switch kind := s.rand.IntN(12); kind {
	case 0:
		s.loss, s.twice = s.rand.Float64(), s.rand.Float64()
		s.say("loses %.2f, doubles %.2f", s.loss, s.twice)
	case 1:
		s.maxDelay = s.upTo(2 * longestInterval) // adverts overtake one another
		s.say("delays up to %s", s.maxDelay)
	case 2:
		to := s.rand.IntN(len(s.nodes))
		s.cut[n.index][to] = !s.cut[n.index][to]
		s.say("cut from %d to %d: %t", n.index, to, s.cut[n.index][to])
	case 3:
		s.divide()
	case 4:
		s.mend()
	case 5, 6:
		n.stalledUntil = s.now + s.upTo(10*longestInterval)
		s.say("%d is stopped until %s", n.index, n.stalledUntil)
	case 7:
		s.say("%d crashes and comes back", n.index)
		n.machine, n.inbox, n.holding = NewMachine(s.parameters(n.index)), nil, false
		s.step(n, Startup{})
	case 8:
		s.step(n, Fault{})
	case 9:
		s.step(n, []Event{Shutdown{}, HandOver{}, Failover{}, TakePart{}}[s.rand.IntN(4)])
	case 10:
		s.step(n, Startup{})
	case 11:
		s.step(n, Configure{s.parameters(n.index)})
	}
}

// divide makes parts that do not hear one another, and returns each router's.
func (s *segment) divide() (parts []int) {
	for range s.nodes {
		parts = append(parts, s.rand.IntN(2))
	}
	s.say("divided: %v", parts)
	s.mend()
	for i := range s.cut {
		for j := range s.cut[i] {
			s.cut[i][j] = parts[i] != parts[j]
		}
	}
	return parts
}

func (s *segment) mend() {
	s.cut = make([][]bool, len(s.nodes))
	for i := range s.cut {
		s.cut[i] = make([]bool, len(s.nodes))
	}
}

// calm ends all trouble but a division. Every router takes part.
func (s *segment) calm() (parts []int) {
	s.say("calm")
	s.loss, s.maxDelay = 0, shortestInterval/4
	parts = s.divide()
	for i := range s.flying {
		s.flying[i].at = min(s.flying[i].at, s.now+s.maxDelay)
	}
	for _, n := range s.nodes {
		n.stalledUntil = s.now
		s.round(n)
		if n.machine.FailingOver() {
			s.step(n, Shutdown{})
		}
		s.step(n, TakePart{})
		s.step(n, Startup{})
	}
	return parts
}

// run lets time pass.
func (s *segment) run(until time.Duration) error {
	for {
		next := until
		if len(s.flying) > 0 {
			slices.SortStableFunc(s.flying, func(a, b flight) int { return cmp.Compare(a.at, b.at) })
			next = min(next, s.flying[0].at)
		}
		for _, n := range s.nodes {
			if deadline, pending := n.machine.Deadline(); pending {
				next = min(next, max(deadline, n.stalledUntil))
			}
			if len(n.inbox) > 0 {
				next = min(next, n.stalledUntil)
			}
		}
		if next >= until {
			s.now = until
			return nil
		}
		s.now = max(s.now, next)
		s.land()
		for _, n := range s.nodes {
			if n.stalledUntil <= s.now {
				s.round(n)
			}
			if err := errors.Join(n.sound(), n.wronged); err != nil {
				return err
			}
		}
	}
}

// land puts adverts that have arrived into inboxes.
func (s *segment) land() {
	for len(s.flying) > 0 && s.flying[0].at <= s.now {
		f := s.flying[0]
		s.flying = s.flying[1:]
		s.nodes[f.to].inbox = append(s.nodes[f.to].inbox, f.advert)
	}
}

// round is loop.round for one router.
func (s *segment) round(n *node) {
	inbox := n.inbox
	n.inbox = nil
	for _, a := range inbox {
		s.step(n, a)
	}
	if deadline, pending := n.machine.Deadline(); pending && deadline <= s.now {
		s.step(n, Timer{})
	}
}

func (s *segment) step(n *node, ev Event) {
	before, own := n.machine.State(), n.machine.Parameters()
	due, _ := n.machine.Deadline() // from then on it may have overslept, and yields to anybody
	for _, action := range n.machine.Step(s.now, ev) {
		switch action := action.(type) {
		case SendAdvert:
			s.send(n, action.Priority)
		case Acquire:
			n.holding = true
		case Release:
			n.holding = false
		}
	}
	after := n.machine.State()
	if before != after {
		n.transitions++
	}
	if a, heard := ev.(Advert); heard && before == spec.InstanceActive && after == spec.InstanceBackup && s.now <= due && !a.outranks(own) {
		n.wronged = fmt.Errorf("router %d of %d yielded to %s of %d", n.index, own.Priority, a.Source, a.Priority)
	}
	s.say("%d: %T %+v: %s -> %s", n.index, ev, ev, before, after)
}

func (s *segment) send(from *node, priority uint8) {
	p := from.machine.Parameters()
	for to := range s.nodes {
		if to == from.index || s.cut[from.index][to] || s.rand.Float64() < s.loss {
			continue
		}
		copies := 1
		if s.rand.Float64() < s.twice {
			copies = 2
		}
		for range copies {
			s.flying = append(s.flying, flight{s.now + s.upTo(s.maxDelay), to,
				Advert{Source: p.Primary, Priority: priority, Interval: p.Interval}})
		}
	}
}

// outranks is the total order of routers: by priority, and by address among equals (RFC 9568 §6.4.3).
func (a Advert) outranks(p Parameters) bool {
	return a.Priority > p.Priority || a.Priority == p.Priority && p.Primary.Less(a.Source)
}

// sound: addresses are held by active routers, and by those that hand over.
func (n *node) sound() error {
	_, pending := n.machine.Deadline()
	state := n.machine.State()
	if want := state == spec.InstanceActive || state == spec.InstanceInitialize && pending; n.holding != want {
		return fmt.Errorf("router %d in %s holds the addresses: %t", n.index, state, n.holding)
	}
	return nil
}

// check looks for one active router in each part that has routers, to which no other is preferred.
func (s *segment) check(parts []int) error {
	for part := range 2 {
		var members []*node
		var highest uint8 // of those that preempt
		for i, n := range s.nodes {
			if parts[i] == part {
				members = append(members, n)
				if p := n.machine.Parameters(); p.Preempt || p.Priority == priorityOwner {
					highest = max(highest, p.Priority)
				}
			}
		}
		if len(members) == 0 {
			continue
		}
		var active []*node
		for _, n := range members {
			if n.machine.State() == spec.InstanceActive {
				active = append(active, n)
			}
		}
		if len(active) != 1 {
			return fmt.Errorf("part %d has %d active routers", part, len(active))
		}
		own := active[0].machine.Parameters()
		if own.Priority < highest {
			return fmt.Errorf("part %d: router %d of priority %d is active, and there is one of %d that preempts", part, active[0].index, own.Priority, highest)
		}
	}
	return nil
}

// checkKnown looks whether everybody knows who is active.
func (s *segment) checkKnown(parts []int) error {
	for i, n := range s.nodes {
		for j, other := range s.nodes {
			own := other.machine.Parameters().Primary
			if parts[i] == parts[j] && other.machine.State() == spec.InstanceActive && n.machine.ActiveRouter() != own {
				return fmt.Errorf("router %d takes %s for the active router, not %s", i, n.machine.ActiveRouter(), own)
			}
		}
	}
	return nil
}

func (s *segment) say(format string, args ...any) {
	if s.trace != nil {
		fmt.Fprintf(s.trace, "%12s  %s\n", s.now, fmt.Sprintf(format, args...))
	}
}
