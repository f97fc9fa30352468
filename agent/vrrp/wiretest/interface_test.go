package wiretest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The primary address is the source of adverts and the tie-break, and both go with it when it changes.
func TestWire_78_AnotherPrimaryAddressIsTheSourceAndTheTieBreak(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		family                func(*spec.VRRPInstance)
		virtual               string
		before, after, others string // after < others < before
	}{
		"IPv4": {inIPv4, four, "192.0.2.11/24", "192.0.2.9/24", "192.0.2.10/24"},
		"IPv6": {inIPv6, six, "fe80::11/64", "fe80::9/64", "fe80::10/64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			d1 := startDirector(t, n.Host(t, "d1"))
			d2 := startDirector(t, n.Host(t, "d2"))
			for d, own := range map[*director]string{d1: tt.before, d2: tt.others} {
				output(t, d.host, "ip", "address", "flush", "dev", "eth0")
				addAddress(t, d.host, own)
			}
			v := instance(100)
			tt.family(&v)
			from := func(prefix string) func(frame) bool {
				return func(f frame) bool {
					if !isAdvert(f) {
						return false
					}
					source, _, _, _ := f.advert()
					return source == netip.MustParsePrefix(prefix).Addr()
				}
			}
			d1.set(web(v))
			wire.await(t, "an advert from the first address", 0, from(tt.before))
			addAddress(t, d1.host, tt.after)
			output(t, d1.host, "ip", "address", "delete", tt.before, "dev", "eth0")
			wire.await(t, "an advert from the new address", 0, from(tt.after))
			eventually(t, "d1 is active", func() bool { return d1.carriesAs(spec.InstanceActive, tt.virtual) })

			// Two of equal priority are active, and hear one another again.
			if err := d1.host.Isolate(); err != nil {
				t.Fatal(err)
			}
			d2.set(web(v))
			eventually(t, "d2 is active, too", func() bool { return d2.carriesAs(spec.InstanceActive, tt.virtual) })
			if s := d1.status(); s.State != spec.InstanceActive {
				t.Fatalf("d1: %+v", s)
			}
			mark := wire.mark()
			if err := d1.host.Restore(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "d2, which has the greater address now, is left", func() bool {
				return d1.carriesAs(spec.InstanceBackup, tt.virtual) && d2.carriesAs(spec.InstanceActive, tt.virtual)
			})
			if s := d2.status(); s.BecameActive != 1 {
				t.Errorf("d2 left its role: %+v", s)
			}
			if all := wire.since(mark, from(tt.before)); len(all) > 0 {
				t.Errorf("adverts come from an address that is gone: %x", all)
			}
		})
	}
}

// addAddress puts an address of its own on a host, which keeps the others when the first of their subnet goes
// (ip-sysctl: promote_secondaries).
func addAddress(t *testing.T, h *lab.Host, address string) {
	t.Helper()
	if err := h.SetSysctl("net.ipv4.conf.eth0.promote_secondaries", "1"); err != nil {
		t.Fatal(err)
	}
	if err := h.AddAddress(netip.MustParsePrefix(address)); err != nil {
		t.Fatal(err)
	}
}

func TestWire_78_TwoOwnersAreLoggedAndReported(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1 := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d2 := startDirector(t, n.Host(t, "d2", "192.0.2.12/24"))
	for _, d := range []*director{d1, d2} {
		d.set(web(instance(255)))
	}
	// Adverts for an owner are taken in version 3, so that the address decides here, too.
	roles(t, d2, d1)
	for _, d := range []*director{d1, d2} {
		eventually(t, d.host.Name()+" has counted it", func() bool { return d.status().Oddities["two_owners"] > 0 })
		if warnings := strings.Join(d.status().Warnings, "\n"); !strings.Contains(warnings, "only one can own the virtual addresses") {
			t.Errorf("%s warns of %q", d.host.Name(), warnings)
		}
		eventually(t, d.host.Name()+" has logged it", func() bool { return strings.Contains(d.log.String(), "oddity=two_owners") })
	}
}

// Neighbours have learnt the addresses with the interface's MAC, so they are told of another one at once.
func TestWire_78_AnotherMACOfTheInterfaceIsAnnounced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		family    func(*spec.VRRPInstance)
		announces func(frame) bool
	}{
		"IPv4": {inIPv4, garp(arpReply, "192.0.2.100")},
		"IPv6": {inIPv6, announced("2001:db8::100")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
			v := instance(150)
			v.GARP.Repeat = 0 // nothing is announced but for a reason
			tt.family(&v)
			d.set(web(v))
			wire.await(t, "an announcement", 0, tt.announces)
			const mac = "02:00:5e:10:00:01"
			output(t, d.host, "ip", "link", "set", "eth0", "address", mac)
			wire.await(t, "an announcement of the new MAC", 0, func(f frame) bool { return tt.announces(f) && f.from() == mac })
			if s := d.status(); s.State != spec.InstanceActive || s.BecameActive != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}
