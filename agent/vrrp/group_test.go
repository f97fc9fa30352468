package vrrp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestTogether_MembersAreAlike(t *testing.T) {
	t.Parallel()
	type member struct {
		group    string
		priority uint8
		reason   string
	}
	for name, test := range map[string]struct {
		before, after map[string]member
		grouped       []string
	}{
		"without a group": {
			map[string]member{"a": {"", 150, "down"}, "b": {"", 100, ""}},
			map[string]member{"a": {"", 150, "down"}, "b": {"", 100, ""}}, nil,
		},
		"alone in a group": {
			map[string]member{"a": {"g", 150, ""}, "b": {"h", 100, "down"}},
			map[string]member{"a": {"g", 150, ""}, "b": {"h", 100, "down"}}, nil,
		},
		"the lowest priority": {
			map[string]member{"a": {"g", 150, ""}, "b": {"g", 100, ""}, "c": {"g", 255, ""}, "d": {"h", 1, ""}},
			map[string]member{"a": {"g", 100, ""}, "b": {"g", 100, ""}, "c": {"g", 255, ""}, "d": {"h", 1, ""}}, []string{"a", "b", "c"},
		},
		"one in fault": {
			map[string]member{"a": {"g", 150, ""}, "b": {"g", 150, "interface eth1 is down"}, "c": {"g", 150, ""}},
			map[string]member{"a": {"g", 150, `sync group "g": VRRP instance "b": interface eth1 is down`}, "b": {"g", 150, "interface eth1 is down"},
				"c": {"g", 150, `sync group "g": VRRP instance "b": interface eth1 is down`}}, []string{"a", "b", "c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inputs := map[string]*input{}
			for name, m := range test.before {
				inputs[name] = &input{group: m.group, reason: m.reason, params: Parameters{Priority: m.priority}}
			}
			together(inputs)
			after := map[string]member{}
			var grouped []string
			for _, name := range []string{"a", "b", "c", "d"} {
				if in, ok := inputs[name]; ok {
					after[name] = member{in.group, in.params.Priority, in.reason}
					if in.params.Grouped {
						grouped = append(grouped, name)
					}
				}
			}
			if diff := cmp.Diff(test.after, after, cmp.AllowUnexported(member{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.grouped, grouped); diff != "" {
				t.Errorf("grouped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTogether_OneThatWaitsIsWhatTheOthersWaitFor(t *testing.T) {
	t.Parallel()
	waits, other := &input{group: "g", hold: "waits for web"}, &input{group: "g"}
	together(map[string]*input{"a": other, "b": waits})
	if waits.hold != "waits for web" || other.hold != `sync group "g": VRRP instance "b": waits for web` {
		t.Errorf("%q and %q", waits.hold, other.hold)
	}
}

func TestTogether_TheFirstMemberBreaksTies(t *testing.T) {
	t.Parallel()
	alone, first, second := &input{group: "h", params: own(100)}, &input{group: "g", params: own(100)}, &input{group: "g", params: own(100)}
	together(map[string]*input{"a": alone, "b": first, "c": second, "d": {params: own(100)}})
	if alone.params.TieDelay != 0 || first.params.TieDelay != 0 || second.params.TieDelay != ActiveDownInterval(100, own(100).Interval) {
		t.Errorf("alone %s, first %s, second %s", alone.params.TieDelay, first.params.TieDelay, second.params.TieDelay)
	}
}

func TestDecide_AllOrNone(t *testing.T) {
	t.Parallel()
	activeOne := func() *Machine {
		m := NewMachine(own(255))
		m.Step(0, Startup{})
		return m
	}
	listening := func() *Machine {
		m := NewMachine(grouped(200))
		m.Step(0, Startup{})
		return m
	}
	readyOne := func() *Machine {
		m := listening()
		m.Step(4*second, Timer{})
		return m
	}
	following := func() *Machine {
		m := listening()
		m.Step(0, peer(254))
		return m
	}
	faulty := func() *Machine {
		m := listening()
		m.Step(0, Fault{})
		return m
	}
	type machines []func() *Machine
	for name, test := range map[string]struct {
		members machines
		want    decision
	}{
		"all ready":                      {machines{readyOne, readyOne}, goActive},
		"all ready or active":            {machines{readyOne, activeOne}, goActive},
		"all active":                     {machines{activeOne, activeOne}, goOn},
		"one listens still":              {machines{readyOne, listening}, goOn},
		"a new one listens":              {machines{activeOne, listening}, goOn},
		"one follows":                    {machines{readyOne, following}, goOn},
		"one follows, another is active": {machines{activeOne, readyOne, following}, goBackup},
		"all follow":                     {machines{following, following}, goOn},
		"one in fault":                   {machines{readyOne, faulty}, goOn},
	} {
		var members []*Machine
		for _, m := range test.members {
			members = append(members, m())
		}
		if got := decide(members); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// groupElections is how many random histories of directors with a sync group are played.
const groupElections = 2_000

// However badly the segments of a group were treated, once they are left alone one director is active in
// all of them, the one of the highest priority, and no other in any; and it stays so. Where priorities are equal it
// is any, although another one has the greatest address on each segment. Between two directors it is so, too, when
// all segments but one stay cut.
func TestElection_75_ASyncGroupIsWithOneDirector(t *testing.T) {
	t.Parallel()
	for seed := range uint64(groupElections) {
		if err := playGroup(seed, nil); err != nil {
			trace := &strings.Builder{}
			_ = playGroup(seed, trace)
			t.Fatalf("seed %d: %v\n%s", seed, err, trace)
		}
	}
}

// cluster is directors of which each has a machine on every segment, all in one sync group.
type cluster struct {
	rand      *rand.Rand
	trace     *strings.Builder
	now       time.Duration
	directors []*member
	loss      float64
	twice     float64         // share of adverts that arrive twice
	cut       map[[3]int]bool // segment, from, to
	equal     bool            // the directors have one priority
	lockstep  bool            // adverts take the same time, always
	// failure is the first time that a group was not all or none.
	failure error
}

type member struct {
	machines     []*Machine
	inbox        [][]flight // by segment
	stalledUntil time.Duration
}

const tick = 5 * ms

func playGroup(seed uint64, trace *strings.Builder) error {
	c := &cluster{rand: rand.New(rand.NewPCG(seed, 6)), trace: trace, cut: map[[3]int]bool{}}
	c.equal, c.lockstep = c.rand.IntN(2) == 0, c.rand.IntN(2) == 0
	segments := 2 + c.rand.IntN(2)
	for i := range 2 + c.rand.IntN(2) {
		c.directors = append(c.directors, &member{machines: make([]*Machine, segments), inbox: make([][]flight, segments)})
		c.boot(i)
	}
	for range 3 + c.rand.IntN(10) {
		c.disturb()
		c.run(time.Duration(c.rand.Int64N(int64(6 * longestInterval))))
	}
	c.calm()
	c.run(40 * longestInterval)
	active, err := c.active()
	for range 10 {
		if err != nil {
			return err
		}
		c.run(longestInterval)
		var now int
		if now, err = c.active(); now != active {
			err = errors.Join(err, fmt.Errorf("at %s director %d is active instead of %d", c.now, now, active))
		}
	}
	return err
}

// boot gives a director new machines, as one has that was started.
func (c *cluster) boot(i int) {
	d := c.directors[i]
	for s := range d.machines {
		d.inbox[s] = nil
		p := Parameters{
			Primary: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + c.rand.IntN(2)*100 + i)}), Priority: uint8(250 - 60*i),
			Interval: longestInterval, Preempt: true, Grouped: true,
		}
		if c.equal {
			p.Priority = 100
		}
		p.TieDelay = tieDelay(p, s)
		d.machines[s] = NewMachine(p)
	}
	c.tell(i, Startup{})
}

// disturb does one thing to a segment, or to all machines of a director.
func (c *cluster) disturb() {
	i := c.rand.IntN(len(c.directors))
	switch c.rand.IntN(9) {
	case 0:
		c.loss, c.twice = c.rand.Float64(), c.rand.Float64()
	case 1, 2:
		link := [3]int{c.rand.IntN(len(c.directors[0].machines)), i, c.rand.IntN(len(c.directors))}
		c.cut[link] = !c.cut[link]
		c.say("segment %d from %d to %d is cut: %t", link[0], link[1], link[2], c.cut[link])
	case 3:
		clear(c.cut)
	case 4:
		c.directors[i].stalledUntil = c.now + time.Duration(c.rand.Int64N(int64(8*longestInterval)))
	case 5:
		c.tell(i, Fault{}) // one in fault, and all are
	case 6:
		c.tell(i, Startup{})
	case 7:
		c.tell(i, Failover{})
	case 8:
		c.say("director %d crashes and comes back", i)
		c.boot(i)
	}
}

func (c *cluster) calm() {
	c.say("calm")
	clear(c.cut)
	c.loss, c.twice = 0, 0
	if len(c.directors) == 2 && c.rand.IntN(2) == 0 {
		segments := len(c.directors[0].machines)
		whole := c.rand.IntN(segments)
		for s := range segments {
			c.cut[[3]int{s, 0, 1}], c.cut[[3]int{s, 1, 0}] = s != whole, s != whole
		}
		c.say("only segment %d is whole", whole)
	}
	for i, d := range c.directors {
		d.stalledUntil = c.now
		c.tell(i, TakePart{})
		c.tell(i, Startup{})
	}
}

func (c *cluster) run(span time.Duration) {
	for end := c.now + span; c.now < end; {
		c.now += tick
		for i, d := range c.directors {
			if d.stalledUntil <= c.now {
				c.round(i, d)
			}
		}
	}
}

func (c *cluster) round(i int, d *member) {
	for s, m := range d.machines {
		var later []flight
		inbox := d.inbox[s]
		d.inbox[s] = nil
		for _, f := range inbox {
			if f.at > c.now {
				later = append(later, f)
				continue
			}
			c.step(i, s, f.advert)
		}
		d.inbox[s] = append(later, d.inbox[s]...)
		if deadline, pending := m.Deadline(); pending && deadline <= c.now {
			c.step(i, s, Timer{})
		}
	}
}

func (c *cluster) tell(i int, ev Event) {
	for s := range c.directors[i].machines {
		c.step(i, s, ev)
	}
}

// step is router.step.
func (c *cluster) step(i, s int, ev Event) {
	c.stepAlone(i, s, ev)
	machines := c.directors[i].machines
	switch decide(machines) {
	case goActive:
		for s := range machines {
			c.stepAlone(i, s, Together{})
		}
	case goBackup:
		for s := range machines {
			c.stepAlone(i, s, Yield{})
		}
	}
	active, following := 0, 0
	for _, m := range machines {
		if m.State() == spec.InstanceActive {
			active++
		}
		if m.Following() {
			following++
		}
	}
	if active > 0 && following > 0 && c.failure == nil {
		c.failure = fmt.Errorf("at %s director %d is active in part of its group", c.now, i)
	}
}

func (c *cluster) stepAlone(i, s int, ev Event) {
	m := c.directors[i].machines[s]
	before := m.State()
	for _, action := range m.Step(c.now, ev) {
		if send, ok := action.(SendAdvert); ok {
			p := m.Parameters()
			for to, d := range c.directors {
				if to == i || c.cut[[3]int{s, i, to}] || c.rand.Float64() < c.loss {
					continue
				}
				copies := 1
				if c.rand.Float64() < c.twice {
					copies = 2
				}
				for range copies {
					lag := tick
					if !c.lockstep {
						lag = time.Duration(c.rand.IntN(3)) * tick
					}
					d.inbox[s] = append(d.inbox[s], flight{at: c.now + lag,
						advert: Advert{Source: p.Primary, Priority: send.Priority, Interval: p.Interval}})
				}
			}
		}
	}
	if _, dull := ev.(Advert); !dull || before != m.State() {
		c.say("director %d, segment %d: %T: %s -> %s", i, s, ev, before, m.State())
	}
}

// active returns the only director that is active, which must be so on all segments.
func (c *cluster) active() (active int, err error) {
	active = -1
	for i, d := range c.directors {
		for s, m := range d.machines {
			switch is := m.State() == spec.InstanceActive; {
			case is && active >= 0 && active != i:
				return active, fmt.Errorf("at %s directors %d and %d are active", c.now, active, i)
			case is && s > 0 && active != i, !is && active == i:
				return active, fmt.Errorf("at %s director %d is active in part of its group", c.now, i)
			case is:
				active = i
			}
		}
	}
	if active < 0 || active > 0 && !c.equal {
		return active, fmt.Errorf("at %s director %d is active", c.now, active)
	}
	return active, c.failure
}

func (c *cluster) say(format string, args ...any) {
	if c.trace != nil {
		fmt.Fprintf(c.trace, "%12s  %s\n", c.now, fmt.Sprintf(format, args...))
	}
}
