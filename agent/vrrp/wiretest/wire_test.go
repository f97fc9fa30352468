package wiretest

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestWire_26_34_AdvertsAndMembershipAreAsTheRFCSays(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.set(web(instance(150)))
	wire.await(t, "a report that joins the group", 0, membership("192.0.2.11", joins))
	advert := wire.await(t, "an advert", 0, advertFrom("192.0.2.11", anyAdvert))
	if diff := cmp.Diff("01:00:5e:00:00:12", net.HardwareAddr(advert[:6]).String()); diff != "" {
		t.Errorf("destination:\n%s", diff)
	}
	header, message, _ := advert.ipv4(112)
	got := map[string]any{"ttl": header[8], "to": netip.AddrFrom4([4]byte(header[16:])).String(), "header": len(header)}
	if diff := cmp.Diff(map[string]any{"ttl": byte(255), "to": "224.0.0.18", "header": 20}, got); diff != "" {
		t.Error(diff)
	}
	// Version 3, VRID 51, priority 150, one address, 10 centiseconds, RFC 9568's checksum, 192.0.2.100.
	if diff := cmp.Diff("31339601"+"000a765c"+"c0000264", hex.EncodeToString(message)); diff != "" {
		t.Error(diff)
	}
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	mark := wire.mark()
	d.stop()
	wire.await(t, "an advert of priority 0", mark, advertFrom("192.0.2.11", priorityZero))
	wire.await(t, "a report that leaves the group", mark, membership("192.0.2.11", leaves))
	if carries(t, d.host, virtual) {
		t.Error("it kept the address")
	}
}

func TestWire_47_AKilledRouterIsReplacedAndComesBack(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1, d2 := pair(t, n)
	wire.awaitGARP(t, d1.host, 0, "192.0.2.100")
	mark := wire.mark()
	d1.kill()
	eventually(t, "d2 took over", func() bool { return d2.is(spec.InstanceActive) })
	wire.awaitGARP(t, d2.host, mark, "192.0.2.100")
	if !carries(t, d1.host, virtual) {
		t.Error("the killed one's address is gone: there is nothing stale to remove")
	}

	// 82: what it left behind goes at its start, and nothing else does.
	if _, err := d1.host.Output(t.Context(), "ip", "address", "add", "192.0.2.101/24", "dev", "eth0"); err != nil {
		t.Fatal(err)
	}
	d1.start()
	d1.set(web(instance(50)))
	eventually(t, "d1 is backup without the address", func() bool { return d1.is(spec.InstanceBackup) })
	if !carries(t, d1.host, "192.0.2.101/24") || !carries(t, d1.host, "192.0.2.11/24") {
		t.Error("it took an address that it was never given")
	}

	d1.set(web(instance(150)))
	roles(t, d1, d2)
}

func TestWire_ExcludedAddressesAndRoutesGoWithTheRole(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	for _, argv := range [][]string{
		{"ip", "link", "add", "inside", "type", "veth", "peer", "name", "other"},
		{"ip", "link", "set", "inside", "up"},
		{"ip", "link", "set", "other", "up"},
	} {
		if _, err := d.host.Output(t.Context(), argv...); err != nil {
			t.Fatal(err)
		}
	}
	show := func() string {
		var all string
		for _, argv := range [][]string{
			{"ip", "-br", "address", "show", "dev", "eth0"}, {"ip", "-br", "address", "show", "dev", "inside"},
			{"ip", "route", "show", "proto", "112"}, {"ip", "-6", "route", "show", "proto", "112"},
		} {
			out, err := d.host.Output(t.Context(), argv...)
			if err != nil {
				t.Fatal(err)
			}
			all += out
		}
		return all
	}
	v := instance(150)
	v.ExcludedAddresses = []spec.ExcludedAddress{
		{Address: netip.MustParsePrefix("203.0.113.1/32")},
		{Address: netip.MustParsePrefix("198.51.100.1/24"), Interface: "inside"},
		{Address: netip.MustParsePrefix("2001:db8::1/64"), Interface: "inside"},
	}
	v.VirtualRoutes = []spec.VirtualRoute{
		{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.1")},
		{Destination: netip.MustParsePrefix("10.0.0.0/8"), Interface: "inside", Via: netip.MustParseAddr("198.51.100.2"), Source: netip.MustParseAddr("198.51.100.1")},
	}
	all := []string{"203.0.113.1/32", "198.51.100.1/24", "2001:db8::1/64", "default via 192.0.2.1", "10.0.0.0/8 via 198.51.100.2 dev inside src 198.51.100.1"}
	has := func(list []string) (n int) {
		got := show()
		for _, s := range list {
			if strings.Contains(got, s) {
				n++
			}
		}
		return n
	}
	d.set(web(v))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	eventually(t, "all of it is there", func() bool { return has(all) == len(all) })
	if out, err := d.host.Output(t.Context(), "ip", "-6", "address", "show", "dev", "inside", "tentative"); err != nil || strings.Contains(out, "2001:db8::1") {
		t.Errorf("tentative: %s, %v", out, err)
	}

	// Without one of each, the others stay.
	v.ExcludedAddresses, v.VirtualRoutes = v.ExcludedAddresses[:2], v.VirtualRoutes[:1]
	d.set(web(v))
	eventually(t, "what is not wanted is gone", func() bool { return has(all) == 3 })

	// What a crash leaves of a router that is no longer active is removed at the start.
	d.kill()
	if n := has(all); n != 3 {
		t.Errorf("%d are left by the crash, want 3", n)
	}
	d.start()
	d.set(map[string]spec.VRRPInstance{})
	if n := has(all); n != 0 {
		t.Errorf("%d are there after the start, want none:\n%s", n, show())
	}
}

func TestWire_WhoIsBackBeforeHeIsMissedGoesOn(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	slow := instance(150)
	slow.AdvertisementInterval = spec.Duration(10 * time.Second)
	slow.TrackScripts = map[string]spec.Track{"gateway": {Weight: 0}}
	d1.ask(request{Verdicts: map[string]bool{"gateway": true}})
	d1.set(web(slow))
	eventually(t, "d2 has heard of the interval", func() bool { return d2.status().Oddities["interval"] > 0 })
	d1.kill()
	d1.start()
	d1.set(web(slow))
	// At that interval nobody else becomes active in time for this to pass, and d1 not by waiting. Nor does it leave
	// the election before the script that it depends on has run.
	eventually(t, "d1 is active", func() bool { return d1.is(spec.InstanceActive) })
	if s := d2.status(); s.State != spec.InstanceBackup || s.BecameActive != 0 {
		t.Errorf("d2: %+v", s)
	}

	// After an orderly stop there is nothing to go on with.
	d1.stop()
	d1.start()
	d1.set(web(slow))
	if s := d1.status(); s.State == spec.InstanceActive {
		t.Errorf("after a stop d1 is %s at once", s.State)
	}
	d1.ask(request{Verdicts: map[string]bool{"gateway": false}})
	eventually(t, "the first verdict counts", func() bool { return d1.is(spec.InstanceFault) })
}

func TestWire_82_WhatNobodyWantsAnyMoreIsRemovedAtTheStart(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.set(web(instance(150)))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	d.kill()
	d.start()
	d.set(map[string]spec.VRRPInstance{})
	if carries(t, d.host, virtual) {
		t.Error("the address is still there")
	}
}

func TestWire_AStolenAddressIsPutBackAtOnceAndTheRoleKept(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	v := instance(150)
	v.VirtualAddresses = append(v.VirtualAddresses, netip.MustParsePrefix("198.51.100.1/32"))
	d.set(web(v))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	wire.awaitGARP(t, d.host, 0, "192.0.2.100")
	for stolen := uint64(1); stolen <= 3; stolen++ {
		mark := wire.mark()
		if _, err := d.host.Output(t.Context(), "ip", "address", "delete", virtual, "dev", "eth0"); err != nil {
			t.Fatal(err)
		}
		wire.awaitGARP(t, d.host, mark, "192.0.2.100")
		eventually(t, "it is counted", func() bool { return d.status().AddressesRestored == stolen })
	}
	if s := d.status(); s.State != spec.InstanceActive || s.BecameActive != 1 || !d.is(spec.InstanceActive) {
		t.Errorf("status %+v", s)
	}
}

// At these intervals a backup that was not told would wait for half a minute and more.
func TestWire_56_WhoStopsSaysSo(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	slow := instance(254)
	slow.AdvertisementInterval = spec.Duration(40 * time.Second)
	d1.set(web(slow))
	d2.set(web(instance(250)))
	// The longer interval is in the next advert.
	eventually(t, "d2 has heard of the interval", func() bool { return d2.status().Oddities["interval"] > 0 })
	roles(t, d1, d2)
	d1.stop()
	eventually(t, "d2 took over", func() bool { return d2.is(spec.InstanceActive) })
	if carries(t, d1.host, virtual) {
		t.Error("d1 kept the address")
	}
	d1.start()
	d1.set(web(instance(254)))
	roles(t, d1, d2)
}

func TestWire_72_ATrackedScriptMovesTheRole(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	v := instance(150)
	v.TrackScripts = map[string]spec.Track{"gateway": {Weight: -60}}
	d1.set(web(v))
	d1.ask(request{Verdicts: map[string]bool{"gateway": false}})
	roles(t, d2, d1)
	if got := d1.status().EffectivePriority; got != 90 {
		t.Errorf("effective priority %d, want 90", got)
	}
	d1.ask(request{Verdicts: map[string]bool{"gateway": true}})
	roles(t, d1, d2)

	v.TrackScripts = map[string]spec.Track{"gateway": {Weight: 0}}
	d1.set(web(v))
	d1.ask(request{Verdicts: map[string]bool{"gateway": false}})
	eventually(t, "d1 is in fault and d2 active", func() bool {
		return d1.is(spec.InstanceFault) && d2.is(spec.InstanceActive)
	})
}

func TestWire_SetAgainSendsNothing(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	v := instance(150)
	d.set(web(v))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	v.AdvertisementInterval = spec.Duration(40 * time.Second)
	d.set(web(v))
	wire.await(t, "the advert after which none is due", 0, advertFrom("192.0.2.11", func(msg []byte) bool { return msg[4] != 0 }))
	wire.awaitBothRounds(t, "192.0.2.100")

	ours := func(f frame) bool {
		return advertFrom("192.0.2.11", anyAdvert)(f) || garp(arpRequest, "192.0.2.100")(f) || garp(arpReply, "192.0.2.100")(f)
	}
	before, mark := d.status(), wire.mark()
	for range 50 {
		d.set(web(v))
	}
	if diff := cmp.Diff(before, d.status()); diff != "" {
		t.Errorf("status changed:\n%s", diff)
	}
	// Something that is sent, so that what was sent before has arrived.
	v.VirtualAddresses = append(v.VirtualAddresses, netip.MustParsePrefix("192.0.2.102/32"))
	d.set(web(v))
	wire.awaitGARP(t, d.host, mark, "192.0.2.102")
	if sent := wire.since(mark, ours); len(sent) > 0 {
		t.Errorf("%d frames were sent about nothing: %x", len(sent), sent)
	}
}

func TestWire_78_CarrierLostAndFound(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1, d2 := pair(t, n)
	if err := d1.host.Cut(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d1 is in fault and d2 active", func() bool {
		return d1.is(spec.InstanceFault) && d2.is(spec.InstanceActive)
	})
	if diff := cmp.Diff("interface eth0 has no carrier", d1.status().Reason); diff != "" {
		t.Error(diff)
	}
	mark := wire.mark()
	if err := d1.host.Restore(); err != nil {
		t.Fatal(err)
	}
	roles(t, d1, d2)
	wire.awaitGARP(t, d1.host, mark, "192.0.2.100")
}

func TestWire_34_78_AfterALinkFlapTheGroupIsJoinedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		family    func(*spec.VRRPInstance)
		address   string
		joins     func(frame) bool
		announces func(frame) bool
	}{
		"IPv4": {inIPv4, four, membership("192.0.2.12", joins), garp(arpReply, "192.0.2.100")},
		"IPv6": {inIPv6, six, listener(joins), announced("2001:db8::100")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			d1, d2 := pairOf(t, n, tt.family)
			mac := hardwareAddress(t, d2.host).String()
			from := func(match func(frame) bool) func(frame) bool {
				return func(f frame) bool { return f.from() == mac && match(f) }
			}
			output(t, d2.host, "ip", "link", "set", "eth0", "down")
			eventually(t, "d2 is in fault", func() bool { return d2.status().State == spec.InstanceFault })
			if diff := cmp.Diff("interface eth0 is down", d2.status().Reason); diff != "" {
				t.Error(diff)
			}
			mark := wire.mark()
			output(t, d2.host, "ip", "link", "set", "eth0", "up")
			wire.await(t, "a report that joins the group", mark, from(tt.joins))
			eventually(t, "d2 listens", func() bool { return d2.carriesAs(spec.InstanceBackup, tt.address) })
			// It hears, and it can announce: the socket for that saw the interface go down, too.
			d1.kill()
			eventually(t, "d2 took over", func() bool { return d2.carriesAs(spec.InstanceActive, tt.address) })
			wire.await(t, "an announcement", mark, from(tt.announces))
		})
	}
}

func TestWire_61_AfterAPartitionOneIsLeftAndSaysSo(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1, d2 := pair(t, n)
	wire.awaitBothRounds(t, "192.0.2.100")
	if err := d1.host.Isolate(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are active", func() bool { return d1.is(spec.InstanceActive) && d2.is(spec.InstanceActive) })
	// From here on d1 is silent, so that it is d2 who is heard first.
	silence(t, d1, 150)
	mark := wire.mark()
	if err := d1.host.Restore(); err != nil {
		t.Fatal(err)
	}
	roles(t, d1, d2)
	wire.awaitGARP(t, d1.host, mark, "192.0.2.100")
}

// Who yields because the other one was heard first has still told it that there is something to announce.
func TestWire_58_AfterAPartitionTheOneThatIsHeardFirstAnnouncesToo(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1, d2 := pair(t, n)
	wire.awaitBothRounds(t, "192.0.2.100")
	if err := d1.host.Isolate(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are active", func() bool { return d1.is(spec.InstanceActive) && d2.is(spec.InstanceActive) })
	silence(t, d2, 100)
	mark := wire.mark()
	if err := d1.host.Restore(); err != nil {
		t.Fatal(err)
	}
	roles(t, d1, d2)
	wire.awaitGARP(t, d1.host, mark, "192.0.2.100")
}

// silence keeps an active director from sending any further advert for longer than a test takes.
func silence(t *testing.T, d *director, priority int) {
	t.Helper()
	slow := instance(priority)
	slow.AdvertisementInterval = spec.Duration(40 * time.Second)
	d.set(web(slow))
	eventually(t, d.host.Name()+" is silent", func() bool {
		sent := d.status().AdvertsSent
		time.Sleep(3 * interval)
		return d.status().AdvertsSent == sent
	})
}

// The kernel removes the secondary addresses of a subnet with its primary one, unless told otherwise
// (ip-sysctl: promote_secondaries).
func TestWire_AddressesOfAnotherSubnetChangeInPlace(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	v := steady(150)
	first, second := netip.MustParsePrefix("198.51.100.1/24"), netip.MustParsePrefix("198.51.100.2/24")
	v.VirtualAddresses = append(v.VirtualAddresses, first, second)
	d.set(web(v))
	eventually(t, "it carries both", func() bool {
		return carries(t, d.host, first.String()) && carries(t, d.host, second.String())
	})
	v.VirtualAddresses = append(v.VirtualAddresses[:1:1], second)
	d.set(web(v))
	eventually(t, "it carries the second alone", func() bool {
		return !carries(t, d.host, first.String()) && carries(t, d.host, second.String()) && d.is(spec.InstanceActive)
	})
	if got := d.status(); got.BecameActive != 1 {
		t.Errorf("it left its role: %+v", got)
	}
}

func TestWire_AnAddressTakenByHandIsPutBack(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.set(web(steady(150)))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	wire.awaitGARP(t, d.host, 0, "192.0.2.100")
	mark := wire.mark()
	if _, err := d.host.Output(t.Context(), "ip", "address", "delete", virtual, "dev", "eth0"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the address is back", func() bool { return carries(t, d.host, virtual) })
	wire.awaitGARP(t, d.host, mark, "192.0.2.100")
	if got := d.status(); got.BecameActive != 1 {
		t.Errorf("it left its role: %+v", got)
	}
}
