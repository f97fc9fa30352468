package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// kernel is Addresses that writes down what it is told, and fails when it shall.
type kernel struct {
	mu      sync.Mutex
	on      map[netip.Prefix]bool
	failure error
	said    []string
	// first of a subnet: the kernel removes the second one with it, unasked.
	first, second netip.Prefix
}

func newKernel(on ...string) *kernel {
	k := &kernel{on: map[netip.Prefix]bool{}}
	for _, p := range on {
		k.on[netip.MustParsePrefix(p)] = true
	}
	return k
}

func (k *kernel) Claim(string, []netip.Prefix) error { return nil }
func (k *kernel) ClaimForOwner(string, []netip.Prefix) error {
	return nil
}
func (k *kernel) Retain(map[string][]netip.Prefix) error { return nil }
func (k *kernel) say(format string, args ...any) {
	k.said = append(k.said, fmt.Sprintf(format, args...))
}
func (k *kernel) Announce(_ string, addresses []netip.Addr) error { return k.do("announce", addresses) }

func (k *kernel) do(what string, about any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.say("%s %s", what, about)
	return k.failure
}

func (k *kernel) Ensure(_ string, addresses []netip.Prefix) (added []netip.Prefix, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return nil, k.failure
	}
	for _, p := range addresses {
		if !k.on[p] {
			k.on[p] = true
			added = append(added, p)
			k.say("add %s", p)
		}
	}
	return added, nil
}

func (k *kernel) Remove(_ string, addresses []netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return k.failure
	}
	for _, p := range addresses {
		if k.on[p] {
			delete(k.on, p)
			k.say("remove %s", p)
			if p == k.first {
				delete(k.on, k.second)
			}
		}
	}
	return nil
}

func (k *kernel) Provide(spec.VirtualLink, []netip.Prefix) (int, error) { return 1, nil }
func (k *kernel) RetainLinks([]spec.VirtualLink) error                  { return nil }
func (k *kernel) StandBy(name string) error                             { return k.do("stand by", name) }

func (k *kernel) EnsureRoutes(routes []spec.VirtualRoute) error { return k.route("route", routes) }
func (k *kernel) RemoveRoutes(routes []spec.VirtualRoute) error { return k.route("no route", routes) }
func (k *kernel) RetainRoutes([]spec.VirtualRoute) error        { return nil }

func (k *kernel) route(what string, routes []spec.VirtualRoute) error {
	for _, r := range routes {
		if err := k.do(what, r.Destination); err != nil {
			return err
		}
	}
	return nil
}

func (k *kernel) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure = err
}

// heard returns what was said since the last time, and forgets it.
func (k *kernel) heard() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	said := strings.Join(k.said, "\n")
	k.said = nil
	return said
}

// wisher is a client that wishes what a test says.
type wisher struct {
	mu       sync.Mutex
	wish     *wish
	failures int
	warnings int
	stolen   []netip.Prefix
}

func (w *wisher) wanted() *wish {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wish
}

func (w *wisher) failed(error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures++
}

func (w *wisher) restored(addresses []netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stolen = append(w.stolen, addresses...)
}

func (w *wisher) warn(string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings++
}

func (w *wisher) wants(change func(*wish)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := *w.wish
	change(&changed)
	w.wish = &changed
}

func activate(v *wish)   { v.active, v.announce = true, v.announce+1 }
func deactivate(v *wish) { v.active = false }

func wishFor(addresses ...string) *wisher {
	w := &wisher{wish: &wish{garp: oneRound}}
	for _, a := range addresses {
		w.wish.addresses = append(w.wish.addresses, placed{"eth0", netip.MustParsePrefix(a)})
	}
	return w
}

// oneRound is a second round after five seconds, and none after that.
var oneRound = spec.GARP{Delay: spec.Duration(announceAgain), Repeat: 1, RefreshRepeat: 1, Rate: 1000}

const announceAgain = 5 * time.Second

// holding runs a holder in a bubble of time. after waits, and compares what the kernel was told
// meanwhile.
func holding(t *testing.T, k *kernel, test func(h *holder, after func(time.Duration, ...string))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHolder(k, k, k)
		go h.Run(t.Context())
		test(h, func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if diff := cmp.Diff(strings.Join(want, "\n"), k.heard()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	})
}

func TestHolder_42_AddressesAreThereWhenTheyAreAnnounced(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/32")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(0, "add 192.0.2.100/24", "add 192.0.2.101/32", "announce [192.0.2.100 192.0.2.101]")
		after(announceAgain - 1)
		after(1, "announce [192.0.2.100 192.0.2.101]")
		after(time.Hour)
		h.wake()
		after(time.Hour)
	})
}

func TestHolder_AllAddressesComeBeforeTheFirstAnnouncement(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		one, two := wishFor("192.0.2.100/32"), wishFor("192.0.2.100/32")
		two.wish.addresses = one.wish.addresses // which of them comes first is not said
		for _, w := range []*wisher{one, two} {
			h.add(w)
			w.wants(activate)
		}
		h.wake()
		after(0, "add 192.0.2.100/32", "announce [192.0.2.100]", "announce [192.0.2.100]")
	})
}

func TestHolder_AVirtualLinkStandsByWithItsAddresses(t *testing.T) {
	t.Parallel()
	k := newKernel("192.0.2.100/32")
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/32")
		w.wish.virtual = "eth0"
		h.add(w)
		after(0, "stand by eth0") // whatever a crash has left
		w.wants(activate)
		h.wake()
		after(0, "announce [192.0.2.100]")
		w.wants(deactivate)
		h.wake()
		after(0, "stand by eth0")
		w.wants(activate)
		h.wake()
		after(0, "announce [192.0.2.100]")
		h.drop(w)
		after(0, "stand by eth0")
	})
}

func TestHolder_FurtherRoundsArePacedAndRefreshed(t *testing.T) {
	t.Parallel()
	k := newKernel()
	second := spec.Duration(time.Second)
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/32", "192.0.2.102/32")
		w.wants(func(v *wish) {
			v.garp = spec.GARP{Delay: 5 * second, Repeat: 2, Refresh: 60 * second, RefreshRepeat: 1, Rate: 2}
		})
		h.add(w)
		w.wants(activate)
		h.wake()
		after(0, "add 192.0.2.100/24", "add 192.0.2.101/32", "add 192.0.2.102/32",
			"announce [192.0.2.100 192.0.2.101 192.0.2.102]") // the first round is not
		after(5*time.Second, "announce [192.0.2.100]")
		after(500*time.Millisecond, "announce [192.0.2.101]")
		after(500*time.Millisecond, "announce [192.0.2.102]")
		after(1500*time.Millisecond, "announce [192.0.2.100]", "announce [192.0.2.101]", "announce [192.0.2.102]")
		after(60*time.Second - 1)
		after(1, "announce [192.0.2.100]")
		after(10*time.Second, "announce [192.0.2.101]", "announce [192.0.2.102]")

		// Other settings hold from now on, and announce nothing by themselves.
		w.wants(func(v *wish) { v.garp.Refresh, v.garp.Rate = 10*second, 1000 })
		h.wake()
		after(0)
		after(10*time.Second, "announce [192.0.2.100 192.0.2.101 192.0.2.102]")
		w.wants(func(v *wish) { v.garp.Refresh = 0 })
		h.wake()
		after(time.Hour)
	})
}

func TestHolder_LeavingActiveCancelsARoundThatHasBegun(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/32")
		w.wants(func(v *wish) { v.garp = spec.GARP{Repeat: 1, Rate: 1} })
		h.add(w)
		w.wants(activate)
		h.wake()
		after(0, "add 192.0.2.100/24", "add 192.0.2.101/32", "announce [192.0.2.100 192.0.2.101]", "announce [192.0.2.100]")
		w.wants(deactivate)
		h.wake()
		after(time.Hour, "remove 192.0.2.100/24", "remove 192.0.2.101/32")
	})
}

func TestHolder_LeavingActiveCancelsTheSecondRound(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(0, "add 192.0.2.100/24", "announce [192.0.2.100]")
		w.wants(deactivate)
		h.wake()
		after(0, "remove 192.0.2.100/24")
		after(time.Hour)
	})
}

func TestHolder_ARoleLostAndWonBackUnseenIsAnnounced(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(time.Minute, "add 192.0.2.100/24", "announce [192.0.2.100]", "announce [192.0.2.100]")
		w.wants(deactivate)
		w.wants(activate)
		h.wake()
		after(0, "announce [192.0.2.100]")
	})
}

func TestHolder_82_WhatACrashLeftIsRemovedBeforeAddReturns(t *testing.T) {
	t.Parallel()
	k := newKernel("192.0.2.100/24", "198.51.100.1/24")
	newHolder(k, k, k).add(wishFor("192.0.2.100/24"))
	if diff := cmp.Diff("remove 192.0.2.100/24", k.heard()); diff != "" {
		t.Error(diff)
	}
}

func TestHolder_WhatWillNotGoIsTriedAgain(t *testing.T) {
	t.Parallel()
	k := newKernel("192.0.2.100/24")
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		k.fail(errors.New("no buffer space available"))
		h.add(w)
		after(3*holderRetry + holderRetry/2)
		if w.warnings != 4 { // when it was added, and each second from then on
			t.Errorf("%d attempts, want 4", w.warnings)
		}
		k.fail(nil)
		after(holderRetry, "remove 192.0.2.100/24")
		after(time.Hour)
	})
}

func TestHolder_AnAttemptThatIsWantedNoMoreIsForgotten(t *testing.T) {
	t.Parallel()
	k := newKernel("192.0.2.100/24")
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		k.fail(errors.New("no buffer space available"))
		h.add(w)
		k.fail(nil)
		w.wants(activate)
		h.wake()
		after(announceAgain, "announce [192.0.2.100]", "announce [192.0.2.100]")
		// Were the attempt still planned, the holder would be busy with it for ever, and time stand still.
		after(time.Hour)
	})
}

func TestHolder_AddressesThatCannotBePutAreReportedAndNotHammered(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(0, "add 192.0.2.100/24", "announce [192.0.2.100]")
		after(time.Minute, "announce [192.0.2.100]")
		k.fail(errors.New("no such device"))
		h.verify()
		after(time.Minute)
		if w.failures != 1 {
			t.Errorf("reported %d times in a minute, want once", w.failures)
		}
		k.fail(nil)
		h.wake()
		after(0, "announce [192.0.2.100]")
	})
}

func TestHolder_AStolenAddressIsPutBackWhenSomebodyLooks(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/32")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(time.Minute, "add 192.0.2.100/24", "add 192.0.2.101/32",
			"announce [192.0.2.100 192.0.2.101]", "announce [192.0.2.100 192.0.2.101]")
		h.verify()
		after(time.Minute)
		if err := k.Remove("eth0", prefixesOf(w.wish.addresses[1:])); err != nil {
			t.Error(err)
		}
		h.verify()
		after(time.Minute, "remove 192.0.2.101/32", "add 192.0.2.101/32", "announce [192.0.2.101]", "announce [192.0.2.100 192.0.2.101]")
		if got := fmt.Sprint(w.stolen); got != "[192.0.2.101/32]" {
			t.Errorf("restored: %s", got)
		}
	})
}

func TestHolder_ReplacedAddressesAreTakenOff(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/32")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(time.Minute, "add 192.0.2.100/24", "add 192.0.2.101/32",
			"announce [192.0.2.100 192.0.2.101]", "announce [192.0.2.100 192.0.2.101]")
		w.wants(func(v *wish) {
			v.addresses = []placed{v.addresses[1], {"eth0", netip.MustParsePrefix("192.0.2.102/32")}}
		})
		h.wake()
		after(0, "remove 192.0.2.100/24", "add 192.0.2.102/32", "announce [192.0.2.102]")
		if len(w.stolen) > 0 {
			t.Errorf("%v is called stolen", w.stolen)
		}
	})
}

func TestHolder_RoutesComeAfterAddressesAndGoBeforeThem(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24")
		w.wants(func(v *wish) {
			v.garp.Repeat = 0
			v.addresses = append(v.addresses, placed{"eth1", netip.MustParsePrefix("2001:db8::1/64")})
		})
		h.add(w)
		w.wants(activate)
		w.wants(func(v *wish) {
			v.routes = []spec.VirtualRoute{{Destination: netip.MustParsePrefix("198.51.100.0/24"), Interface: "eth0"}}
		})
		h.wake()
		after(0, "add 192.0.2.100/24", "add 2001:db8::1/64", "route 198.51.100.0/24", "announce [192.0.2.100]", "announce [2001:db8::1]")
		w.wants(func(v *wish) {
			v.routes = []spec.VirtualRoute{{Destination: netip.MustParsePrefix("203.0.113.0/24"), Interface: "eth0"}}
		})
		h.wake()
		after(0, "no route 198.51.100.0/24", "route 203.0.113.0/24")
		w.wants(deactivate)
		h.wake()
		after(time.Hour, "no route 203.0.113.0/24", "remove 192.0.2.100/24", "remove 2001:db8::1/64")
	})
}

func TestHolder_WhatTheKernelTookAlongIsPutBackAndCalledNobodysTheft(t *testing.T) {
	t.Parallel()
	k := newKernel()
	k.first, k.second = netip.MustParsePrefix("192.0.2.100/24"), netip.MustParsePrefix("192.0.2.101/24")
	holding(t, k, func(h *holder, after func(time.Duration, ...string)) {
		w := wishFor("192.0.2.100/24", "192.0.2.101/24")
		h.add(w)
		w.wants(activate)
		h.wake()
		after(time.Minute, "add 192.0.2.100/24", "add 192.0.2.101/24",
			"announce [192.0.2.100 192.0.2.101]", "announce [192.0.2.100 192.0.2.101]")
		w.wants(func(v *wish) { v.addresses = v.addresses[1:] })
		h.wake()
		after(0, "remove 192.0.2.100/24", "add 192.0.2.101/24", "announce [192.0.2.101]")
		if len(w.stolen) > 0 {
			t.Errorf("%v is called stolen", w.stolen)
		}
	})
}

func TestHolder_DroppingLeavesNothing(t *testing.T) {
	t.Parallel()
	k := newKernel()
	holding(t, k, func(h *holder, _ func(time.Duration, ...string)) {
		a, b := wishFor("192.0.2.100/24", "192.0.2.101/32"), wishFor("192.0.2.101/32")
		h.add(a)
		h.add(b)
		for _, w := range []*wisher{a, b} {
			w.wants(activate)
		}
		h.wake()
		synctest.Wait()
		h.drop(a)
		synctest.Wait()
		want := map[netip.Prefix]bool{netip.MustParsePrefix("192.0.2.101/32"): true}
		if diff := cmp.Diff(want, k.on, equalAddrs, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("only what another wants is on (-want +got):\n%s", diff)
		}
	})
}
