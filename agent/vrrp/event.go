package vrrp

import (
	"net/netip"
	"time"
)

// Event is something that happens to a Machine.
type Event interface{ event() }

// Startup makes the machine take part in the election (RFC 9568 §6.4.1); it ends a fault, too.
type Startup struct{}

// Resume says, before the first Startup, that an earlier process was active until just now and that the
// addresses are still there: the others have not missed it yet.
type Resume struct{}

// Shutdown ends taking part: an active router says so and lets go of the addresses at once.
type Shutdown struct{}

// HandOver is a Shutdown that keeps the addresses until another router is heard, at most twice
// Skew_Time: the others wait Skew_Time before one of them takes over, and nobody should be without a
// director meanwhile.
type HandOver struct{}

// Failover hands over and stays away: an active router says that it stops and keeps the addresses until
// another one is heard. From then on it is a backup that preempts nobody, until nobody else is active or
// TakePart comes. When none is heard within twice Skew_Time, it takes its role back.
type Failover struct{}

// TakePart ends what Failover began: the machine may preempt again.
type TakePart struct{}

// Together makes a machine that is ready active: so is all of its sync group.
type Together struct{}

// Yield makes an active machine a backup, which it tells the others: another of its sync group is one.
type Yield struct{}

// Fault takes the machine out of the election until Startup.
type Fault struct{}

// Timer says that the deadline may have come. It is ignored when it has not.
type Timer struct{}

// Configure replaces the parameters in place: the machine stays in its state.
type Configure struct{ Parameters }

// Advert is an advertisement of this virtual router that another router sent and no check dropped.
type Advert struct {
	Source   netip.Addr
	Priority uint8
	Interval time.Duration
}

func (Startup) event()   {}
func (Resume) event()    {}
func (Shutdown) event()  {}
func (HandOver) event()  {}
func (Failover) event()  {}
func (TakePart) event()  {}
func (Together) event()  {}
func (Yield) event()     {}
func (Fault) event()     {}
func (Timer) event()     {}
func (Configure) event() {}
func (Advert) event()    {}

// Action is something that a Machine wants done, in the order in which it says so.
type Action interface{ action() }

// SendAdvert sends an advertisement of that priority: the effective one, or 0 to say that we stop.
type SendAdvert struct{ Priority uint8 }

// Acquire puts the virtual addresses on the interface and announces them.
type Acquire struct{}

// Announce announces the addresses again: somebody else may have announced them for himself.
type Announce struct{}

// Release takes the virtual addresses off the interface.
type Release struct{}

func (SendAdvert) action() {}
func (Acquire) action()    {}
func (Announce) action()   {}
func (Release) action()    {}
