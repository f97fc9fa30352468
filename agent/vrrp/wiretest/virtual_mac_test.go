package wiretest

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	virtualMAC  = "00:00:5e:00:01:33"
	virtualMAC6 = "00:00:5e:00:02:33"
)

// withMAC gives an instance a virtual MAC.
func withMAC(v spec.VRRPInstance, changes ...func(*spec.VRRPInstance)) spec.VRRPInstance {
	v.VirtualMAC = true
	all(changes...)(&v)
	return v
}

func output(t *testing.T, h *lab.Host, argv ...string) string {
	t.Helper()
	out, err := h.Output(context.WithoutCancel(t.Context()), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// local reports whether the host takes packets to an address.
func local(t *testing.T, h *lab.Host, address string) bool {
	t.Helper()
	out, err := h.Output(t.Context(), "ip", "route", "get", address)
	return err == nil && strings.Contains(out, "local ")
}

// device is the virtual link of an instance.
func device(v spec.VRRPInstance) string {
	l, _ := v.VirtualLink()
	return l.Name
}

// has waits until a director is in a state.
func has(t *testing.T, d *director, state spec.InstanceState) {
	t.Helper()
	eventually(t, d.host.Name()+" is "+string(state), func() bool { return d.status().State == state })
}

// macPair starts two directors of a virtual router with its own MAC, of which the first is preferred.
func macPair(t *testing.T, n *lab.Network, family func(*spec.VRRPInstance)) (d1, d2 *director, v spec.VRRPInstance) {
	t.Helper()
	d1 = startDirector(t, n.Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64"))
	d2 = startDirector(t, n.Host(t, "d2", "192.0.2.12/24", "2001:db8::12/64"))
	v = withMAC(instance(150), family)
	d1.set(web(v))
	d2.set(web(withMAC(instance(100), family)))
	has(t, d1, spec.InstanceActive)
	has(t, d2, spec.InstanceBackup)
	address := v.VirtualAddresses[len(v.VirtualAddresses)-1].Addr().String()
	t.Cleanup(func() {
		if t.Failed() {
			for _, d := range []*director{d1, d2} {
				t.Logf("%s:\n%s%s", d.host.Name(), output(t, d.host, "ip", "addr"), output(t, d.host, "ip", "route", "show", "table", "all"))
			}
		}
	})
	eventually(t, "the address is on d1 alone", func() bool { return local(t, d1.host, address) && !local(t, d2.host, address) })
	return d1, d2, v
}

func inIPv4(*spec.VRRPInstance) {}

// from is the Ethernet source of a frame.
func (f frame) from() string { return net.HardwareAddr(f[6:12]).String() }

// to is its destination.
func (f frame) to() string { return net.HardwareAddr(f[:6]).String() }

func TestWire_27_28_AdvertsComeFromTheVirtualMAC(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		family    func(*spec.VRRPInstance)
		vrid      int
		mac, to   string
		etherType uint16
	}{
		"IPv4":           {inIPv4, 51, virtualMAC, "01:00:5e:00:00:12", unix.ETH_P_IP},
		"IPv4, VRID 255": {inIPv4, 255, "00:00:5e:00:01:ff", "01:00:5e:00:00:12", unix.ETH_P_IP},
		"IPv6":           {inIPv6, 51, virtualMAC6, "33:33:00:00:00:12", unix.ETH_P_IPV6},
		"IPv6, VRID 1":   {inIPv6, 1, "00:00:5e:00:02:01", "33:33:00:00:00:12", unix.ETH_P_IPV6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
			v := withMAC(instance(150), tt.family)
			v.VirtualRouterID = tt.vrid
			advert := func(f frame) bool {
				protocol := map[uint16]int{unix.ETH_P_IP: 14 + 9, unix.ETH_P_IPV6: 14 + 6}
				at, ok := protocol[f.etherType()]
				return ok && len(f) > at && f[at] == 112
			}
			d.set(web(v))
			has(t, d, spec.InstanceActive)
			wire.await(t, "an advert", 0, advert)
			mark := wire.mark()
			d.stop()
			goodbye := wire.await(t, "a farewell", mark, func(f frame) bool {
				return advert(f) && (f.etherType() == unix.ETH_P_IP && f[34+2] == 0 || f.etherType() == unix.ETH_P_IPV6 && f[54+2] == 0)
			})
			for _, f := range append(wire.since(0, advert), goodbye) {
				if f.from() != tt.mac || f.to() != tt.to || f.etherType() != tt.etherType {
					t.Errorf("an advert went from %s to %s:\n%s", f.from(), f.to(), hex.Dump(f))
				}
				// Its source is still the director's own address.
				if f.etherType() == unix.ETH_P_IP && source(f[14:34]) != netip.MustParseAddr("192.0.2.11") {
					t.Errorf("an advert came from %s", source(f[14:34]))
				}
				if own := netip.AddrFrom16([16]byte(f[22:38])); f.etherType() == unix.ETH_P_IPV6 && (!own.IsLinkLocalUnicast() || own == netip.MustParseAddr("fe80::33")) {
					t.Errorf("an advert came from %s", own)
				}
			}
		})
	}
}

func TestWire_42_63_OnlyTheVirtualMACIsToldForTheAddress(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	client := n.Host(t, "client", "192.0.2.20/24")
	d1, d2, _ := macPair(t, n, inIPv4)
	asks := func() string {
		t.Helper()
		out, _ := client.Output(t.Context(), "busybox", "arping", "-c", "3", "-w", "5", "-I", "eth0", "192.0.2.100")
		return strings.ToLower(out)
	}
	check := func() {
		t.Helper()
		answers := asks()
		if !strings.Contains(answers, virtualMAC) || strings.Contains(answers, hardwareAddress(t, d1.host).String()) ||
			strings.Contains(answers, hardwareAddress(t, d2.host).String()) {
			t.Errorf("answered was:\n%s", answers)
		}
	}
	check()
	// The director asks for the client with the virtual address as its own.
	output(t, d1.host, "ip", "neigh", "flush", "all")
	output(t, d1.host, "busybox", "ping", "-c", "1", "-W", "5", "-I", "192.0.2.100", "192.0.2.20")
	d1.kill()
	has(t, d2, spec.InstanceActive)
	eventually(t, "the address is on d2", func() bool { return local(t, d2.host, "192.0.2.100") })
	output(t, d1.host, "ip", "link", "set", "eth0", "down") // or it would answer, as a killed process's machine does
	check()
	isFor := func(f frame) bool {
		return len(f) >= 42 && f.etherType() == unix.ETH_P_ARP && netip.AddrFrom4([4]byte(f[14+14:])) == netip.MustParseAddr("192.0.2.100")
	}
	for _, f := range wire.since(0, isFor) {
		if got := net.HardwareAddr(f[14+8 : 14+14]).String(); got != virtualMAC || f.from() != virtualMAC {
			t.Errorf("%s was told for the address, by %s:\n%s", got, f.from(), hex.Dump(f))
		}
	}
	if len(wire.since(0, garp(arpRequest, "192.0.2.100"))) == 0 {
		t.Error("there was no gratuitous ARP")
	}
}

func TestWire_42_64_69_NeighboursLearnTheVirtualMACOfIPv6Addresses(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	client := n.Host(t, "client", "2001:db8::20/64")
	d1, _, v := macPair(t, n, inIPv6)
	for _, address := range []string{"fe80::33", "2001:db8::100"} {
		f := wire.await(t, "an announcement of "+address, 0, announced(address))
		_, message, _ := f.icmp6(neighborAdvertisement)
		if got := net.HardwareAddr(message[26:32]).String(); f.from() != virtualMAC6 || got != virtualMAC6 || message[4] != 0xa0 {
			t.Errorf("%s was announced with %s by %s, flags %x: want R and O", address, got, f.from(), message[4])
		}
	}
	solicited := startCaptureOn(t, client)
	output(t, client, "busybox", "ping", "-c", "1", "-W", "5", "2001:db8::100")
	output(t, client, "busybox", "ping", "-c", "1", "-W", "5", "fe80::33%eth0")
	for _, address := range []string{"fe80::33", "2001:db8::100"} {
		f := solicited.await(t, "an answer about "+address, 0, func(f frame) bool {
			_, message, _ := f.icmp6(neighborAdvertisement)
			return announced(address)(f) && message[4]&0x40 != 0
		})
		_, message, _ := f.icmp6(neighborAdvertisement)
		if got := net.HardwareAddr(message[26:32]).String(); f.from() != virtualMAC6 || got != virtualMAC6 || message[4] != 0xe0 {
			t.Errorf("%s was answered for with %s by %s, flags %x: want R, S and O", address, got, f.from(), message[4])
		}
	}
	var carried []string
	for line := range strings.Lines(output(t, d1.host, "ip", "-6", "-o", "addr", "show", "dev", device(v))) {
		carried = append(carried, strings.Fields(line)[3])
		if strings.Contains(line, "tentative") || strings.Contains(line, "dadfailed") {
			t.Errorf("not in service: %s", line)
		}
	}
	slices.Sort(carried)
	if diff := cmp.Diff([]string{"2001:db8::100/128", "fe80::33/64"}, carried); diff != "" {
		t.Errorf("the interface carries (-want +got):\n%s", diff)
	}
}

func TestWire_45_79_ABackupTakesNothingForTheAddress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		family       func(*spec.VRRPInstance)
		address, mac string
	}{
		"IPv4": {inIPv4, "192.0.2.100", virtualMAC},
		"IPv6": {inIPv6, "2001:db8::100", virtualMAC6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			client := n.Host(t, "client", "192.0.2.20/24", "2001:db8::20/64")
			d1, d2, _ := macPair(t, n, tt.family)
			if !local(t, d1.host, tt.address) || local(t, d2.host, tt.address) {
				t.Fatalf("the address is local on d1: %t, on d2: %t", local(t, d1.host, tt.address), local(t, d2.host, tt.address))
			}
			// Nobody but the backup is there to take what is sent to the MAC, and for a while it will not take over.
			v := withMAC(instance(150), tt.family)
			v.AdvertisementInterval = spec.Duration(5 * time.Second)
			d1.set(web(v))
			eventually(t, "d2 has heard of the interval", func() bool { return d2.status().Oddities["interval"] > 0 })
			d1.kill()
			if err := d1.host.Cut(); err != nil {
				t.Fatal(err)
			}
			if got := d2.status().State; got != spec.InstanceBackup {
				t.Fatalf("d2 is %s", got)
			}
			for _, mac := range []string{tt.mac, hardwareAddress(t, d2.host).String()} {
				output(t, client, "ip", "neigh", "replace", tt.address, "lladdr", mac, "dev", "eth0")
				if out, err := client.Output(t.Context(), "busybox", "ping", "-c", "1", "-W", "1", tt.address); err == nil {
					t.Errorf("a backup takes packets to %s at %s:\n%s", tt.address, mac, out)
				}
			}
		})
	}
}

func TestWire_23_27_TwoThatWereActiveHearOneAnotherThroughTheSameMAC(t *testing.T) {
	t.Parallel()
	for name, family := range map[string]func(*spec.VRRPInstance){"IPv4": inIPv4, "IPv6": inIPv6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			d1, d2, _ := macPair(t, n, family)
			if err := d2.host.Isolate(); err != nil { // it keeps its carrier
				t.Fatal(err)
			}
			has(t, d2, spec.InstanceActive)
			if err := d2.host.Restore(); err != nil {
				t.Fatal(err)
			}
			has(t, d2, spec.InstanceBackup)
			if got := d1.status(); got.State != spec.InstanceActive || got.BecameActive != 1 {
				t.Errorf("the preferred one was disturbed: %+v", got)
			}
			if got := d1.status(); got.Drops["own"] > 0 || d2.status().Drops["own"] > 0 {
				t.Errorf("own adverts came back: %v, %v", got.Drops, d2.status().Drops)
			}
		})
	}
}

func TestWire_66_67_TheActiveOneTakesItsPacketsAndForwardsOthers(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	client := n.Host(t, "client", "192.0.2.20/24")
	far := n.Host(t, "far", "198.51.100.20/24")
	d1, d2, _ := macPair(t, n, inIPv4)
	for _, d := range []*director{d1, d2} {
		output(t, d.host, "ip", "addr", "add", map[*director]string{d1: "198.51.100.11/24", d2: "198.51.100.12/24"}[d], "dev", "eth0")
		if err := d.host.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
			t.Fatal(err)
		}
	}
	output(t, far, "ip", "route", "add", "default", "via", "198.51.100.11")
	output(t, client, "ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.100")
	eventually(t, "frames to the virtual MAC are forwarded", func() bool {
		_, err := client.Output(t.Context(), "busybox", "ping", "-c", "1", "-W", "1", "198.51.100.20")
		return err == nil
	})
	if got := output(t, client, "ip", "neigh", "show", "192.0.2.100"); !strings.Contains(got, virtualMAC) {
		t.Errorf("the gateway is %s", got)
	}
	output(t, client, "busybox", "ping", "-c", "1", "-W", "5", "192.0.2.100")
}

// setting reads one of a host's own settings.
func setting(t *testing.T, h *lab.Host, path string) string {
	t.Helper()
	return strings.TrimSpace(output(t, h, "cat", "/proc/sys/net/ipv4/conf/"+path))
}

func TestWire_80_TheParentsSettingsAreKeptAndGivenBack(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	for path, value := range map[string]string{"eth0/arp_announce": "1", "eth0/arp_ignore": "0", "eth0/rp_filter": "2", "all/rp_filter": "1"} {
		if err := d.host.SetSysctl("net.ipv4.conf."+strings.ReplaceAll(path, "/", "."), value); err != nil {
			t.Fatal(err)
		}
	}
	v := withMAC(instance(150))
	d.set(web(v))
	has(t, d, spec.InstanceActive)
	all := func() string {
		var b strings.Builder
		for _, path := range []string{"eth0/arp_ignore", "eth0/arp_announce", "eth0/rp_filter", device(v) + "/arp_ignore", device(v) + "/rp_filter"} {
			b.WriteString(" " + setting(t, d.host, path))
		}
		return b.String()
	}
	const right = " 1 2 2 1 2"
	if got := all(); got != right {
		t.Errorf("the settings are%s, want%s", got, right)
	}
	for _, path := range []string{"eth0.arp_ignore", device(v) + ".arp_ignore", device(v) + ".rp_filter"} {
		if err := d.host.SetSysctl("net.ipv4.conf."+path, "0"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "they are right again", func() bool { return all() == right })
	d.kill()
	d.start() // it knows them from its record
	d.set(web(v))
	d.set(map[string]spec.VRRPInstance{})
	if got := setting(t, d.host, "eth0/arp_ignore") + setting(t, d.host, "eth0/arp_announce"); got != "01" {
		t.Errorf("arp_ignore and arp_announce are %s, and were 01", got)
	}
	if out, err := d.host.Output(t.Context(), "ip", "link", "show", "dev", device(v)); err == nil {
		t.Errorf("there still is %s", out)
	}
}

func TestWire_80_AForeignInterfaceOfTheNameIsNeitherUsedNorRemoved(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	v := withMAC(instance(150))
	output(t, d.host, "ip", "link", "add", device(v), "type", "veth", "peer", "name", "theirs")
	d.set(web(v))
	has(t, d, spec.InstanceFault)
	if got := d.status().Reason; !strings.Contains(got, device(v)) || !strings.Contains(got, "not ours") {
		t.Errorf("the reason is %q", got)
	}
	d.set(map[string]spec.VRRPInstance{})
	output(t, d.host, "ip", "link", "show", "dev", device(v))
}

func TestWire_81_IPv6AddressesSurviveTurns(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2, v := macPair(t, n, inIPv6)
	index := output(t, d1.host, "cat", "/sys/class/net/"+device(v)+"/ifindex")
	for range 3 {
		handOver(t, d1, d2)
		eventually(t, "d1 has let go", func() bool { return !local(t, d1.host, "2001:db8::100") })
		handOver(t, d2, d1)
		eventually(t, "d1 has them again", func() bool {
			return local(t, d1.host, "2001:db8::100") && strings.Contains(output(t, d1.host, "ip", "addr"), "fe80::33/64")
		})
		if got := output(t, d1.host, "ip", "-6", "addr", "show", "dev", device(v)); strings.Contains(got, "tentative") || strings.Contains(got, "dadfailed") {
			t.Errorf("not in service:\n%s", got)
		}
	}
	if got := output(t, d1.host, "cat", "/sys/class/net/"+device(v)+"/ifindex"); got != index {
		t.Errorf("the interface was made anew: %s was %s", got, index)
	}
}

// handOver has one director hand over to the other, which on a busy machine may not be in time.
func handOver(t *testing.T, from, to *director) {
	t.Helper()
	eventually(t, from.host.Name()+" has handed over", func() bool {
		if from.status().State == spec.InstanceActive {
			from.ask(request{Failover: "web"})
		}
		return from.status().State == spec.InstanceBackup && to.status().State == spec.InstanceActive
	})
}

func TestWire_82_ABackupThatWasKilledWhileActiveLetsGoBeforeItHearsAnybody(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2, v := macPair(t, n, inIPv4)
	index := output(t, d1.host, "cat", "/sys/class/net/"+device(v)+"/ifindex")
	d1.kill()
	if !local(t, d1.host, "192.0.2.100") {
		t.Fatal("the kernel forgot the address of a process that was killed")
	}
	has(t, d2, spec.InstanceActive)
	if err := d2.host.Cut(); err != nil { // nobody is heard
		t.Fatal(err)
	}
	d1.start()
	v.AdvertisementInterval = spec.Duration(10 * time.Second)
	if err := os.Remove(filepath.Join(d1.dir, "traces")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	d1.set(web(v))
	if got := d1.status(); got.State != spec.InstanceBackup || got.AdvertsReceived > 0 {
		t.Fatalf("d1 is %+v", got)
	}
	if local(t, d1.host, "192.0.2.100") {
		t.Error("a backup still has the address")
	}
	if got := output(t, d1.host, "cat", "/sys/class/net/"+device(v)+"/ifindex"); got != index {
		t.Errorf("the interface was made anew: %s was %s", got, index)
	}
}

func TestWire_VirtualMACIsSwitchedOnAndOffInPlace(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	v := instance(150)
	on := func(iface string) bool {
		out, err := d1.host.Output(t.Context(), "ip", "-o", "addr", "show", "dev", iface)
		return err == nil && strings.Contains(out, "192.0.2.100")
	}
	for range 2 {
		d1.set(web(withMAC(v)))
		eventually(t, "the address has moved", func() bool { return on(device(withMAC(v))) && !on("eth0") })
		d1.set(web(v))
		eventually(t, "the address is back", func() bool { return on("eth0") && local(t, d1.host, "192.0.2.100") })
		if out, err := d1.host.Output(t.Context(), "ip", "link", "show", "dev", device(withMAC(v))); err == nil {
			t.Errorf("there still is %s", out)
		}
	}
	if d1.status().BecameActive != 1 || d2.status().BecameActive != 0 {
		t.Errorf("the role moved: %+v, %+v", d1.status(), d2.status())
	}
}

func refusing(v *spec.VRRPInstance) { v.AcceptMode = false }

func TestWire_65_66_WithoutAcceptModeOnlyNeighbourDiscoveryIsTaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*spec.VRRPInstance)
		address string
	}{
		"IPv4":                  {refusing, "192.0.2.100"},
		"IPv4 with virtual MAC": {all(refusing, func(v *spec.VRRPInstance) { v.VirtualMAC = true }), "192.0.2.100"},
		"IPv6":                  {all(inIPv6, refusing), "2001:db8::100"},
		"IPv6 with virtual MAC": {all(inIPv6, refusing, func(v *spec.VRRPInstance) { v.VirtualMAC = true }), "2001:db8::100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			client := n.Host(t, "client", "192.0.2.20/24", "2001:db8::20/64")
			d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64"))
			v := steady(150)
			tt.change(&v)
			d.set(web(v))
			has(t, d, spec.InstanceActive)
			eventually(t, "it has the address", func() bool { return local(t, d.host, tt.address) })
			pings := func() bool {
				_, err := client.Output(t.Context(), "busybox", "ping", "-c", "1", "-W", "1", tt.address)
				return err == nil
			}
			if pings() {
				t.Error("packets to the address are taken")
			}
			if got := output(t, client, "ip", "neigh", "show", tt.address); !strings.Contains(got, "lladdr") {
				t.Errorf("nobody answered for the address: %q", got)
			}
			output(t, d.host, "busybox", "ping", "-c", "1", "-W", "5", tt.address) // its own are
			v.AcceptMode = true
			d.set(web(v))
			if !pings() {
				t.Error("packets to the address are not taken, though they may be")
			}
			if d.status().BecameActive != 1 {
				t.Error("the role moved")
			}
		})
	}
}
