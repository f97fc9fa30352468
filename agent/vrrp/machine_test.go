package vrrp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	second = time.Second
	ms     = time.Millisecond
)

// own is 192.0.2.127, so that 192.0.2.128 tells an unsigned comparison from a signed one.
func own(priority uint8) Parameters {
	return Parameters{Version: Version3, Primary: addr("192.0.2.127"), Priority: priority, Interval: second, Preempt: true}
}

// from is an advert of another router.
func from(source string, priority uint8, interval time.Duration) Advert {
	return Advert{Source: addr(source), Priority: priority, Interval: interval}
}

// peer is an advert of a router with a greater address.
func peer(priority uint8) Advert { return from("192.0.2.128", priority, second) }

func backup(t *testing.T, p Parameters) *Machine {
	t.Helper()
	m := NewMachine(p)
	expect(t, m, 0, Startup{})
	expectState(t, m, spec.InstanceBackup, ActiveDownInterval(p.Priority, p.Interval))
	return m
}

// active returns a machine that became active at the time that is returned.
func active(t *testing.T, p Parameters) (*Machine, time.Duration) {
	t.Helper()
	m := backup(t, p)
	at, _ := m.Deadline()
	expect(t, m, at, Timer{}, SendAdvert{p.Priority}, Acquire{})
	expectState(t, m, spec.InstanceActive, at+p.Interval)
	return m, at
}

// expect feeds an event and compares what is to be done.
func expect(t *testing.T, m *Machine, now time.Duration, ev Event, want ...Action) {
	t.Helper()
	got := append([]Action(nil), m.Step(now, ev)...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%T at %s: actions (-want +got):\n%s", ev, now, diff)
	}
}

// never stands for no deadline.
const never time.Duration = -1

func expectState(t *testing.T, m *Machine, state spec.InstanceState, deadline time.Duration) {
	t.Helper()
	got, pending := m.Deadline()
	if !pending {
		got = never
	}
	if m.State() != state || got != deadline {
		t.Fatalf("%s until %s, want %s until %s", m.State(), got, state, deadline)
	}
}

func TestMachine_40_OwnerIsActiveAtStartup(t *testing.T) {
	t.Parallel()
	m := NewMachine(own(255))
	expectState(t, m, spec.InstanceInitialize, never)
	expect(t, m, 5*second, Startup{}, SendAdvert{255}, Acquire{})
	expectState(t, m, spec.InstanceActive, 6*second)
}

func TestMachine_41_OthersListenAtStartup(t *testing.T) {
	t.Parallel()
	m := NewMachine(own(100))
	expect(t, m, 5*second, Startup{})
	expectState(t, m, spec.InstanceBackup, 5*second+3*second+609375*time.Microsecond)
	expect(t, m, 6*second, Startup{}) // again: nothing
	expectState(t, m, spec.InstanceBackup, 5*second+3*second+609375*time.Microsecond)
}

func TestMachine_46_BackupLeavesInSilence(t *testing.T) {
	t.Parallel()
	for _, ev := range []Event{Shutdown{}, HandOver{}} {
		m := backup(t, own(100))
		expect(t, m, second, ev)
		expectState(t, m, spec.InstanceInitialize, never)
	}
}

func TestMachine_47_AdvertComesBeforeAddresses(t *testing.T) {
	t.Parallel()
	m := backup(t, own(100))
	at, _ := m.Deadline()
	expect(t, m, at-1, Timer{})
	expect(t, m, at, Timer{}, SendAdvert{100}, Acquire{})
	expectState(t, m, spec.InstanceActive, at+second)
	if m.ActiveRouter() != own(100).Primary {
		t.Errorf("active router %s", m.ActiveRouter())
	}
}

func TestMachine_48_PriorityZeroSetsSkewTime(t *testing.T) {
	t.Parallel()
	m := backup(t, own(100))
	expect(t, m, second, peer(200))
	expect(t, m, 2*second, peer(0))
	expectState(t, m, spec.InstanceBackup, 2*second+609375*time.Microsecond)
}

func TestMachine_48_SkewTimeIsOfTheActiveRoutersInterval(t *testing.T) {
	t.Parallel()
	m := backup(t, own(128))
	expect(t, m, second, from("192.0.2.128", 200, 100*ms))
	expect(t, m, second, from("192.0.2.128", 0, 100*ms))
	expectState(t, m, spec.InstanceBackup, second+50*ms)
}

func TestMachine_49_AdvertOfHigherPrioritySetsTheTimerByItsInterval(t *testing.T) {
	t.Parallel()
	m := backup(t, own(128))
	expect(t, m, second, from("192.0.2.128", 129, 200*ms))
	expectState(t, m, spec.InstanceBackup, second+3*200*ms+100*ms)
	if m.ActiveRouter() != addr("192.0.2.128") {
		t.Errorf("active router %s", m.ActiveRouter())
	}
}

func TestMachine_50_WithoutPreemptAnyAdvertSetsTheTimer(t *testing.T) {
	t.Parallel()
	p := own(200)
	p.Preempt = false
	m := backup(t, p)
	expect(t, m, second, peer(1))
	expectState(t, m, spec.InstanceBackup, second+ActiveDownInterval(200, second))
}

func TestMachine_50_WithoutPreemptALeavingRouterIsReplaced(t *testing.T) {
	t.Parallel()
	p := own(200)
	p.Preempt = false
	m := backup(t, p)
	expect(t, m, second, peer(1))
	expect(t, m, 2*second, peer(0))
	expect(t, m, 2*second+SkewTime(200, second), Timer{}, SendAdvert{200}, Acquire{})
}

func delayed(delay time.Duration) Parameters {
	p := own(200)
	p.PreemptDelay = delay
	return p
}

func TestMachine_51_PreemptDelayBeginsWithTheFirstLowerAdvert(t *testing.T) {
	t.Parallel()
	m := backup(t, delayed(10*second))
	down := ActiveDownInterval(200, second)
	first := 2 * second
	for now := first; now < first+10*second; now += second {
		expect(t, m, now, peer(100))
		expectState(t, m, spec.InstanceBackup, now+down)
	}
	last := first + 9*second
	for now := first + 10*second; now < last+down; now += 100 * ms {
		expect(t, m, now, peer(100)) // from here on without preempt_delay's protection
		expectState(t, m, spec.InstanceBackup, last+down)
	}
	expect(t, m, last+down, Timer{}, SendAdvert{200}, Acquire{})
}

func TestMachine_51_PreemptDelayIsCancelledByAnAdvertNotBelowOurs(t *testing.T) {
	t.Parallel()
	for _, priority := range []uint8{200, 201} {
		m := backup(t, delayed(3*second))
		down := ActiveDownInterval(200, second)
		expect(t, m, second, peer(100))
		expect(t, m, 2*second, peer(priority))
		expect(t, m, 5*second, peer(100)) // the first one again
		expectState(t, m, spec.InstanceBackup, 5*second+down)
		expect(t, m, 8*second-1, peer(100))
		expectState(t, m, spec.InstanceBackup, 8*second-1+down)
		expect(t, m, 8*second, peer(100))
		expectState(t, m, spec.InstanceBackup, 8*second-1+down)
	}
}

func TestMachine_51_PreemptDelayProtectsNobodyWhoLeaves(t *testing.T) {
	t.Parallel()
	m := backup(t, delayed(time.Hour))
	expect(t, m, second, peer(100))
	expect(t, m, 2*second, peer(0))
	expect(t, m, 2*second+SkewTime(200, second), Timer{}, SendAdvert{200}, Acquire{})
	// Next time the delay begins anew.
	expect(t, m, 3*second, Shutdown{}, SendAdvert{0}, Release{})
	expect(t, m, time.Hour+4*second, Startup{})
	expect(t, m, time.Hour+5*second, peer(100))
	expectState(t, m, spec.InstanceBackup, time.Hour+5*second+ActiveDownInterval(200, second))
}

func TestMachine_51_ADelayThatIsTakenOutProtectsNoLonger(t *testing.T) {
	t.Parallel()
	m := backup(t, delayed(time.Hour))
	expect(t, m, second, peer(100))
	expect(t, m, 2*second, Configure{own(200)})
	expect(t, m, 2*second, peer(100))
	expectState(t, m, spec.InstanceBackup, second+ActiveDownInterval(200, second))
}

func TestMachine_51_PreemptLetsTheTimerRunOut(t *testing.T) {
	t.Parallel()
	m := backup(t, own(200))
	old, _ := m.Deadline()
	for now := ms; now < old; now += 100 * ms {
		expect(t, m, now, peer(199))
		expectState(t, m, spec.InstanceBackup, old)
	}
	expect(t, m, old, Timer{}, SendAdvert{200}, Acquire{})
}

func TestMachine_52_EqualPriorityInBackupSetsTheTimer(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"192.0.2.1", "192.0.2.128"} {
		m := backup(t, own(100))
		expect(t, m, second, from(source, 100, second))
		expectState(t, m, spec.InstanceBackup, second+ActiveDownInterval(100, second))
	}
}

func TestMachine_53_OwnerPreemptsWhatever(t *testing.T) {
	t.Parallel()
	p := own(255)
	p.Preempt, p.PreemptDelay = false, time.Hour
	m := NewMachine(p)
	m.Step(0, Startup{})
	m.Step(0, peer(255)) // of another owner, with a greater address
	old := ActiveDownInterval(255, second)
	expectState(t, m, spec.InstanceBackup, old)
	expect(t, m, second, peer(254))
	expectState(t, m, spec.InstanceBackup, old)
}

func TestMachine_54_BackupFollowsTheActiveRoutersInterval(t *testing.T) {
	t.Parallel()
	m := backup(t, own(100))
	now := time.Duration(0)
	for _, interval := range []time.Duration{second, 100 * ms, 3 * second} {
		for range 5 {
			now += interval
			expect(t, m, now, Timer{})
			expect(t, m, now, from("192.0.2.128", 200, interval))
			expectState(t, m, spec.InstanceBackup, now+ActiveDownInterval(100, interval))
		}
	}
}

func TestMachine_55_AdvertsKeepStep(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	for i := range 10 {
		due := at + time.Duration(i+1)*second
		expect(t, m, due+30*ms, Timer{}, SendAdvert{100}) // late, and it does not add up
		expectState(t, m, spec.InstanceActive, due+second)
	}
}

func TestMachine_55_AfterAPauseAdvertsAreNotMadeUpFor(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+3*second+500*ms, Timer{}, SendAdvert{100})
	expectState(t, m, spec.InstanceActive, at+4*second+500*ms)
}

func TestMachine_56_ShutdownSaysSoAndThenLetsGo(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+ms, Shutdown{}, SendAdvert{0}, Release{})
	expectState(t, m, spec.InstanceInitialize, never)
}

func TestMachine_56_HandOverKeepsAddressesUntilAnotherIsHeard(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(128))
	expect(t, m, at, HandOver{}, SendAdvert{0})
	expectState(t, m, spec.InstanceInitialize, at+successionTime(second))
	expect(t, m, at+ms, peer(0)) // leaves as well
	expect(t, m, at+2*ms, peer(1), Release{})
	expectState(t, m, spec.InstanceInitialize, never)
	expect(t, m, at+10*second, Timer{})
}

func TestMachine_56_HandOverLetsGoWhenNobodyComes(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(128))
	expect(t, m, at, HandOver{}, SendAdvert{0})
	expect(t, m, at+SkewTime(1, second)+ms, Timer{}) // the slowest that there may be
	expect(t, m, at+successionTime(second), Timer{}, Release{})
	expectState(t, m, spec.InstanceInitialize, never)
}

func TestMachine_56_HandOverDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	p := own(1)
	p.Interval = 40 * second
	m, at := active(t, p)
	expect(t, m, at, HandOver{}, SendAdvert{0})
	expectState(t, m, spec.InstanceInitialize, at+maxHandOver)
}

func TestMachine_FailoverKeepsTheAddressesUntilAnotherIsHeard(t *testing.T) {
	t.Parallel()
	for _, priority := range []uint8{1, 200, 255} {
		m := NewMachine(own(priority))
		m.Step(0, Startup{})
		at, _ := m.Deadline()
		m.Step(at, Timer{})
		expect(t, m, at, Failover{}, SendAdvert{0})
		expectState(t, m, spec.InstanceInitialize, at+successionTime(second))
		expect(t, m, at+ms, Startup{}) // as whoever looks again says
		expect(t, m, at+2*ms, Failover{})
		expect(t, m, at+3*ms, peer(0))
		expect(t, m, at+4*ms, Configure{own(priority)})
		expectState(t, m, spec.InstanceInitialize, at+successionTime(second))
		expect(t, m, at+600*ms, peer(1), Release{})
		down := ActiveDownInterval(priority, second)
		for now := at + 600*ms; now < at+time.Minute; now += second {
			expect(t, m, now, peer(1)) // of whatever priority, it is left alone
			expectState(t, m, spec.InstanceBackup, now+down)
		}
		if m.FailingOver() || !m.Aside() {
			t.Errorf("failing over %t, aside %t", m.FailingOver(), m.Aside())
		}
	}
}

// aside returns a machine that handed over to the peer, and when it last heard it.
func aside(t *testing.T, p Parameters) (*Machine, time.Duration) {
	t.Helper()
	m, at := active(t, p)
	expect(t, m, at, Failover{}, SendAdvert{0})
	expect(t, m, at, peer(100), Release{})
	return m, at
}

func TestMachine_FailoverEndsWhenTheOtherLeaves(t *testing.T) {
	t.Parallel()
	m, at := aside(t, own(200))
	expect(t, m, at+second, peer(0))
	expect(t, m, at+second+SkewTime(200, second), Timer{}, SendAdvert{200}, Acquire{})
	if m.Aside() {
		t.Error("it stays aside")
	}
	m, at = aside(t, own(200))
	expect(t, m, at+ActiveDownInterval(200, second), Timer{}, SendAdvert{200}, Acquire{})
}

func TestMachine_FailoverEndsByTakePart(t *testing.T) {
	t.Parallel()
	m, at := aside(t, own(200))
	expect(t, m, at+second, TakePart{})
	expect(t, m, at+second, peer(100))
	expectState(t, m, spec.InstanceBackup, at+ActiveDownInterval(200, second))
}

func TestMachine_FailoverThatNobodyFollowsIsTakenBack(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(200))
	expect(t, m, at, Failover{}, SendAdvert{0})
	at += successionTime(second)
	expect(t, m, at-1, Timer{})
	expect(t, m, at, Timer{}, SendAdvert{200}, Announce{})
	expectState(t, m, spec.InstanceActive, at+second)
	if m.FailingOver() || m.Aside() {
		t.Errorf("failing over %t, aside %t", m.FailingOver(), m.Aside())
	}
}

func TestMachine_FailoverOutlivesAFault(t *testing.T) {
	t.Parallel()
	m, at := aside(t, own(255-1))
	expect(t, m, at, Fault{})
	expect(t, m, at+second, Configure{own(255)})
	expect(t, m, at+2*second, Startup{})
	expect(t, m, at+2*second, peer(100))
	expectState(t, m, spec.InstanceBackup, at+2*second+ActiveDownInterval(255, second))
}

func TestMachine_FailoverOfWhoIsNotActiveStaysAway(t *testing.T) {
	t.Parallel()
	m := backup(t, own(200))
	expect(t, m, second, Failover{})
	expect(t, m, 2*second, peer(100))
	expectState(t, m, spec.InstanceBackup, 2*second+ActiveDownInterval(200, second))
}

func TestMachine_FailoverIsEndedByWhatIsWorse(t *testing.T) {
	t.Parallel()
	p := own(200)
	p.Interval = 40 * second
	t.Run("fault", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, p)
		expect(t, m, at, Failover{}, SendAdvert{0})
		expect(t, m, at+ms, Fault{}, Release{})
		expectState(t, m, spec.InstanceFault, never)
	})
	t.Run("shutdown", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, p)
		expect(t, m, at, Failover{}, SendAdvert{0})
		expect(t, m, at+ms, Shutdown{}, Release{})
		expectState(t, m, spec.InstanceInitialize, never)
	})
	t.Run("the end of the process", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, p)
		expect(t, m, at, Failover{}, SendAdvert{0})
		expect(t, m, at+ms, HandOver{})
		expectState(t, m, spec.InstanceInitialize, at+ms+maxHandOver)
		expect(t, m, at+ms+maxHandOver, Timer{}, Release{})
		expectState(t, m, spec.InstanceInitialize, never)
	})
	t.Run("a long sleep", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, p)
		expect(t, m, at, Failover{}, SendAdvert{0})
		late := at + successionTime(p.Interval) + ActiveDownInterval(200, p.Interval) + 1
		expect(t, m, late, Timer{}, Release{})
		expectState(t, m, spec.InstanceBackup, late+ActiveDownInterval(200, p.Interval))
	})
}

func grouped(priority uint8) Parameters {
	p := own(priority)
	p.Grouped = true
	return p
}

func TestMachine_AMemberOfAGroupWaitsForTheOthers(t *testing.T) {
	t.Parallel()
	m := backup(t, grouped(200))
	at, _ := m.Deadline()
	down := ActiveDownInterval(200, second)
	expect(t, m, at-1, Together{}) // not ready
	expect(t, m, at, Timer{})
	expectState(t, m, spec.InstanceBackup, at+down)
	if !m.Ready() || m.Following() {
		t.Errorf("ready %t, following %t", m.Ready(), m.Following())
	}
	expect(t, m, at+second, peer(199)) // whom it would preempt
	if !m.Ready() {
		t.Error("an advert that is discarded made it unready")
	}
	expect(t, m, at+2*second, peer(200))
	if m.Ready() || !m.Following() {
		t.Errorf("under an active router: ready %t, following %t", m.Ready(), m.Following())
	}
	expect(t, m, at+3*second, peer(0))
	at += 3*second + SkewTime(200, second)
	expect(t, m, at, Timer{})
	expect(t, m, at+down, Timer{}) // it goes on waiting
	expect(t, m, at+down, Together{}, SendAdvert{200}, Acquire{})
	expect(t, m, at+down, Together{})
	expect(t, m, at+down+ms, Yield{}, SendAdvert{0}, Release{})
	expectState(t, m, spec.InstanceBackup, at+down+ms+down)
	if m.Ready() || m.Following() {
		t.Errorf("after yielding: ready %t, following %t", m.Ready(), m.Following())
	}
}

func TestMachine_AMemberThatIsAloneAgainWaitsNoLonger(t *testing.T) {
	t.Parallel()
	m := backup(t, grouped(200))
	at, _ := m.Deadline()
	expect(t, m, at, Timer{})
	expect(t, m, at+ms, Configure{own(200)})
	expectState(t, m, spec.InstanceBackup, at+ms)
	expect(t, m, at+ms, Timer{}, SendAdvert{200}, Acquire{})
}

func TestMachine_AnOwnerInAGroupIsReadyAtStartup(t *testing.T) {
	t.Parallel()
	m := NewMachine(grouped(255))
	expect(t, m, second, Startup{})
	if !m.Ready() {
		t.Error("it is not ready")
	}
	expect(t, m, second, Together{}, SendAdvert{255}, Acquire{})
}

func TestMachine_HoldKeepsABackupOne(t *testing.T) {
	t.Parallel()
	for _, priority := range []uint8{200, 255} {
		p := own(priority)
		p.Hold = true
		down := ActiveDownInterval(priority, second)
		t.Run("nobody is active", func(t *testing.T) {
			t.Parallel()
			m := NewMachine(p)
			expect(t, m, 0, Startup{})
			expect(t, m, down, Timer{})
			expect(t, m, down, Together{})
			if m.Ready() {
				t.Error("it is ready for its group")
			}
			expect(t, m, down+ms, Configure{own(priority)})
			expect(t, m, down+ms, Timer{}, SendAdvert{priority}, Acquire{})
		})
		t.Run("one of lower priority is", func(t *testing.T) {
			t.Parallel()
			m := NewMachine(p)
			expect(t, m, 0, Startup{})
			for now := second; now <= 5*second; now += second {
				expect(t, m, now, peer(100))
				expectState(t, m, spec.InstanceBackup, now+down)
			}
			expect(t, m, 5*second+ms, Configure{own(priority)})
			expect(t, m, 6*second, peer(100))
			expect(t, m, 5*second+down, Timer{}, SendAdvert{priority}, Acquire{})
		})
	}
}

func TestMachine_57_PriorityZeroIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+300*ms, peer(0), SendAdvert{100})
	expectState(t, m, spec.InstanceActive, at+300*ms+second)
	expect(t, m, at+second+300*ms, peer(0), SendAdvert{100}, Announce{}) // there were two for a while
}

func TestMachine_58_HigherPriorityIsYieldedTo(t *testing.T) {
	t.Parallel()
	for _, preempt := range []bool{true, false} {
		p := own(100)
		p.Preempt = preempt
		m, at := active(t, p)
		expect(t, m, at+ms, from("192.0.2.1", 101, 200*ms), SendAdvert{100}, Release{})
		expectState(t, m, spec.InstanceBackup, at+ms+ActiveDownInterval(100, 200*ms))
		if m.ActiveRouter() != addr("192.0.2.1") {
			t.Errorf("active router %s", m.ActiveRouter())
		}
	}
}

func TestMachine_59_EqualPriorityGoesToTheGreaterAddress(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+ms, from("192.0.2.126", 100, second), SendAdvert{100})
	expect(t, m, at+2*ms, from("192.0.2.200", 100, second), Release{})
	expectState(t, m, spec.InstanceBackup, at+2*ms+ActiveDownInterval(100, second))
}

func TestMachine_60_AddressesAreComparedUnsigned(t *testing.T) {
	t.Parallel()
	for source, greater := range map[string]bool{"192.0.2.128": true, "192.0.2.126": false, "10.255.255.255": false, "224.0.0.1": true} {
		m, at := active(t, own(100))
		m.Step(at+ms, from(source, 100, second))
		if yielded := m.State() == spec.InstanceBackup; yielded != greater {
			t.Errorf("192.0.2.127 yields to %s: %t, want %t", source, yielded, greater)
		}
	}
}

func TestMachine_59_AGroupsLaterMembersLeaveATieToTheFirst(t *testing.T) {
	t.Parallel()
	p := own(100)
	p.TieDelay = 3 * second
	m, at := active(t, p)
	equal := peer(100)
	expect(t, m, at+ms, equal)
	expect(t, m, at+second, Timer{}, SendAdvert{100})
	expect(t, m, at+2*second, Timer{}, SendAdvert{100})
	expect(t, m, at+2*second+ms, equal)
	// Silence for longer than a router that is there keeps: what comes now is another tie.
	for i := 3; i <= 6; i++ {
		expect(t, m, at+time.Duration(i)*second, Timer{}, SendAdvert{100})
	}
	expect(t, m, at+6*second+2*ms, equal)
	expect(t, m, at+7*second, Timer{}, SendAdvert{100})
	expect(t, m, at+8*second, Timer{}, SendAdvert{100})
	expect(t, m, at+9*second, equal)
	expectState(t, m, spec.InstanceActive, at+9*second)
	expect(t, m, at+9*second+2*ms, equal, SendAdvert{100}, Release{})
	expectState(t, m, spec.InstanceBackup, at+9*second+2*ms+ActiveDownInterval(100, second))
}

func TestMachine_59_AHigherPriorityIsNoTie(t *testing.T) {
	t.Parallel()
	p := own(100)
	p.TieDelay = 3 * second
	m, at := active(t, p)
	expect(t, m, at+ms, peer(101), SendAdvert{100}, Release{})
}

func TestMachine_61_LosingAdvertIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+300*ms, peer(99), SendAdvert{100}) // which was preempted: the addresses have just been announced
	expectState(t, m, spec.InstanceActive, at+300*ms+second)
	expect(t, m, at+1300*ms, peer(99), SendAdvert{100}, Announce{})
}

func TestMachine_61_LosingAdvertOfVersion2IsNotAnswered(t *testing.T) {
	t.Parallel()
	p := own(100)
	p.Version = Version2
	m, at := active(t, p)
	expect(t, m, at+300*ms, peer(99))
	expect(t, m, at+second, Timer{}, SendAdvert{100})
	expect(t, m, at+1300*ms, peer(99), Announce{}) // which is no advert
	expect(t, m, at+1400*ms, from("192.0.2.126", 100, second))
	expectState(t, m, spec.InstanceActive, at+2*second)
}

func TestMachine_60_IPv6AddressesAreComparedUnsigned(t *testing.T) {
	t.Parallel()
	p := own(100)
	p.Primary = addr("fe80::7f")
	for source, greater := range map[string]bool{"fe80::80": true, "fe80::7e": false, "fe80::1:0": true, "febf::": true} {
		m, at := active(t, p)
		m.Step(at+ms, from(source, 100, second))
		if yielded := m.State() == spec.InstanceBackup; yielded != greater {
			t.Errorf("fe80::7f yields to %s: %t, want %t", source, yielded, greater)
		}
	}
}

func TestMachine_62_ABurstOfLosingAdvertsIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	sent, announced := 0, 0
	for now := at; now < at+10*second; now += 10 * ms {
		for _, ev := range []Event{peer(99), peer(0), Timer{}} {
			for _, a := range m.Step(now, ev) {
				switch a.(type) {
				case SendAdvert:
					sent++
				case Announce:
					announced++
				}
			}
		}
	}
	if sent < 10 || sent > 20 {
		t.Errorf("%d adverts in ten intervals, want 10 to 20", sent)
	}
	if announced != 9 {
		t.Errorf("announced %d times in ten intervals", announced)
	}
}

func TestTimers_71_SkewTimeOfVersion2DoesNotGrowWithTheInterval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{100, second, 609375 * time.Microsecond, 3*second + 609375*time.Microsecond},
		{100, 10 * second, 609375 * time.Microsecond, 30*second + 609375*time.Microsecond},
		{254, 255 * second, 7812500 * time.Nanosecond, 765*second + 7812500*time.Nanosecond},
		{1, second, 996093750 * time.Nanosecond, 3*second + 996093750*time.Nanosecond},
	} {
		p := Parameters{Version: Version2, Primary: addr("192.0.2.127"), Priority: test.priority, Interval: test.interval, Preempt: true}
		m := NewMachine(p)
		m.Step(0, Startup{})
		expectState(t, m, spec.InstanceBackup, test.down)
		// Priority 0 sets Skew_Time (48).
		m.Step(0, Advert{Source: addr("192.0.2.128"), Interval: test.interval})
		expectState(t, m, spec.InstanceBackup, test.skew)
	}
}

func TestTimers_70_SkewAndDownInterval(t *testing.T) {
	t.Parallel()
	tests := []struct {
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{254, 100 * ms, 781250 * time.Nanosecond, 300*ms + 781250*time.Nanosecond}, // 30.078 cs, kept finer than that
		{100, second, 609375 * time.Microsecond, 3*second + 609375*time.Microsecond},
		{255, second, 3906250 * time.Nanosecond, 3*second + 3906250*time.Nanosecond},
		{1, 10 * ms, 9960937 * time.Nanosecond, 39960937 * time.Nanosecond},
		{1, 40950 * ms, 40790039062 * time.Nanosecond, 163640039062 * time.Nanosecond},
	}
	for _, test := range tests {
		if got := SkewTime(test.priority, test.interval); got != test.skew {
			t.Errorf("Skew_Time of %d at %s: %s, want %s", test.priority, test.interval, got, test.skew)
		}
		if got := ActiveDownInterval(test.priority, test.interval); got != test.down {
			t.Errorf("Active_Down_Interval of %d at %s: %s, want %s", test.priority, test.interval, got, test.down)
		}
	}
}

func TestMachine_72_PriorityMovesARunningTimer(t *testing.T) {
	t.Parallel()
	m := backup(t, own(100))
	expect(t, m, second, from("192.0.2.128", 200, 256*ms))
	at, _ := m.Deadline()
	expect(t, m, second+ms, Configure{own(40)})
	expectState(t, m, spec.InstanceBackup, at+60*ms)
	expect(t, m, second+2*ms, Configure{own(150)})
	expectState(t, m, spec.InstanceBackup, at-50*ms)
}

func TestMachine_72_PriorityChangesWithoutLeavingActive(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	expect(t, m, at+ms, Configure{own(40)})
	expectState(t, m, spec.InstanceActive, at+second)
	expect(t, m, at+second, Timer{}, SendAdvert{40})
}

func TestMachine_IntervalChangesWithoutLeavingActive(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(100))
	p := own(100)
	p.Interval = 3 * second
	expect(t, m, at+ms, Configure{p})
	expectState(t, m, spec.InstanceActive, at+second) // as the others expect it
	expect(t, m, at+second, Timer{}, SendAdvert{100})
	expectState(t, m, spec.InstanceActive, at+4*second)
	p.Interval = 100 * ms
	expect(t, m, at+2*second, Configure{p})
	expectState(t, m, spec.InstanceActive, at+2*second+100*ms)
}

func TestMachine_IntervalChangesForABackupThatHeardNobody(t *testing.T) {
	t.Parallel()
	p := own(128)
	p.Interval = 40 * second
	m := backup(t, p)
	p.Interval = second
	expect(t, m, ms, Configure{p})
	expectState(t, m, spec.InstanceBackup, ActiveDownInterval(128, second))
	expect(t, m, 2*ms, from("192.0.2.128", 200, 256*ms))
	at, _ := m.Deadline()
	p.Interval = 10 * second
	expect(t, m, 3*ms, Configure{p})
	expectState(t, m, spec.InstanceBackup, at) // the active router's counts
}

func TestMachine_73_ATimerThatWasMovedDoesNotFire(t *testing.T) {
	t.Parallel()
	m := backup(t, own(100))
	at, _ := m.Deadline()
	expect(t, m, at-ms, peer(200))
	expect(t, m, at, Timer{})
	expectState(t, m, spec.InstanceBackup, at-ms+ActiveDownInterval(100, second))
}

func TestMachine_74_WhoOversleptListensFirst(t *testing.T) {
	t.Parallel()
	down := ActiveDownInterval(100, second)
	t.Run("active", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, own(100))
		late := at + second + down + 1
		expect(t, m, late, Timer{}, Release{})
		expectState(t, m, spec.InstanceBackup, late+down)
	})
	t.Run("active, and the new one is of lower priority", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, own(100))
		late := at + second + down + 1
		expect(t, m, late, peer(50), Release{})
		expectState(t, m, spec.InstanceBackup, late+down)
	})
	t.Run("backup", func(t *testing.T) {
		t.Parallel()
		m := backup(t, own(100))
		late := down + down + 1
		expect(t, m, late, Timer{})
		expectState(t, m, spec.InstanceBackup, late+down)
	})
	t.Run("late by no more than that", func(t *testing.T) {
		t.Parallel()
		m, at := active(t, own(100))
		expect(t, m, at+second+down, Timer{}, SendAdvert{100})
	})
}

func TestMachine_FaultLeavesTheElectionUntilStartup(t *testing.T) {
	t.Parallel()
	m, at := active(t, own(200))
	expect(t, m, at+ms, Fault{}, SendAdvert{0}, Release{})
	expectState(t, m, spec.InstanceFault, never)
	expect(t, m, at+2*ms, Fault{})
	expect(t, m, at+3*ms, peer(1))
	expect(t, m, at+4*ms, peer(0))
	expect(t, m, at+10*second, Timer{})
	expect(t, m, at+11*second, Configure{own(210)})
	expectState(t, m, spec.InstanceFault, never)
	expect(t, m, at+20*second, Startup{})
	expectState(t, m, spec.InstanceBackup, at+20*second+ActiveDownInterval(210, second))
}

// FuzzMachine feeds arbitrary events at arbitrary times, and looks at what must always hold.
func FuzzMachine(f *testing.F) {
	for _, then := range []byte{1, 2, 6} { // becomes active, and then …
		f.Add([]byte{0, 0, 5, 0, 0, 5, 0x10, 0, 0, 0, then, 0, 0, 0, 0, 8, 0, 1, 200, 10, 5, 1, 0, 0, 0, 7, 0, 0, 0, 0, 8, 0, 1, 50, 10})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		m := NewMachine(own(100))
		var now time.Duration
		addresses := false // on the interface, by what the machine said
		for len(script) >= 5 {
			now += time.Duration(binary.BigEndian.Uint16(script[1:])) * ms
			before := m.State()
			actions := m.Step(now, fuzzEvent(script[0], script[3], script[4]))
			script = script[5:]
			_, pending := m.Deadline()
			for _, a := range actions {
				switch a := a.(type) {
				case Acquire:
					if addresses || m.State() != spec.InstanceActive {
						t.Fatalf("acquires in %s, holding: %t", m.State(), addresses)
					}
					addresses = true
				case Release:
					if !addresses {
						t.Fatal("releases what it does not hold")
					}
					addresses = false
				case SendAdvert:
					// Only who was active has a role to stop, or to yield with a last advert.
					yields := before == spec.InstanceActive && m.State() == spec.InstanceBackup
					switch {
					case a.Priority == priorityStop && before != spec.InstanceActive:
						t.Fatalf("says that it stops in %s", before)
					case a.Priority != priorityStop && m.State() != spec.InstanceActive && !yields:
						t.Fatalf("sends priority %d from %s to %s", a.Priority, before, m.State())
					case a.Priority != priorityStop && a.Priority != m.Parameters().Priority:
						t.Fatalf("sends priority %d with one of %d", a.Priority, m.Parameters().Priority)
					}
				}
			}
			if m.FailingOver() && m.State() != spec.InstanceInitialize {
				t.Fatalf("fails over in %s", m.State())
			}
			switch m.State() {
			case spec.InstanceActive:
				if !addresses || !pending {
					t.Fatalf("active: holding %t, deadline %t", addresses, pending)
				}
			case spec.InstanceBackup:
				if addresses || !pending {
					t.Fatalf("backup: holding %t, deadline %t", addresses, pending)
				}
			case spec.InstanceFault:
				if addresses || pending {
					t.Fatalf("fault: holding %t, deadline %t", addresses, pending)
				}
			case spec.InstanceInitialize:
				if m.FailingOver() && !pending {
					t.Fatal("fails over for ever")
				}
				if addresses != pending { // handing over, or neither
					t.Fatalf("initialize: holding %t, deadline %t", addresses, pending)
				}
			}
		}
	})
}

func fuzzEvent(kind, a, b byte) Event {
	switch kind % 11 {
	case 0:
		return Startup{}
	case 1:
		return Shutdown{}
	case 2:
		return HandOver{}
	case 3:
		return Fault{}
	case 4:
		p := own(max(a, 1))
		p.Interval = time.Duration(b+1) * 10 * ms
		p.Preempt = b%2 == 0
		p.PreemptDelay = time.Duration(b%3) * second
		p.Hold, p.Grouped = b%5 == 0, b%7 == 0
		p.TieDelay = time.Duration(b%4) * second
		return Configure{p}
	case 5:
		return Timer{}
	case 6:
		return Failover{}
	case 7:
		return TakePart{}
	case 9:
		return Together{}
	case 10:
		return Yield{}
	default:
		return Advert{Source: netip.AddrFrom4([4]byte{192, 0, 2, b}), Priority: a, Interval: time.Duration(b%100+1) * 10 * ms}
	}
}
