package wiretest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// open returns the kernel as a process on the host has it.
func open(t *testing.T, h *lab.Host, ledger link.Ledger) *link.Kernel {
	t.Helper()
	return openWith(t, h, link.Ledgers{Addresses: ledger, Links: &link.MemoryLedgerOf[spec.VirtualLink]{}, Settings: &link.MemoryLedgerOf[link.Setting]{}})
}

func openWith(t *testing.T, h *lab.Host, ledgers link.Ledgers) *link.Kernel {
	t.Helper()
	var k *link.Kernel
	err := h.Do(func() (err error) {
		k, err = link.NewKernel(ledgers)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func run(t *testing.T, h *lab.Host, argv ...string) {
	t.Helper()
	if _, err := h.Output(t.Context(), argv...); err != nil {
		t.Fatal(err)
	}
}

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, p := range list {
		all[i] = netip.MustParsePrefix(p)
	}
	return all
}

// carried is the host's addresses in order.
func carried(t *testing.T, h *lab.Host) string {
	t.Helper()
	list, err := h.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, p := range list {
		text = append(text, p.String())
	}
	slices.Sort(text)
	return strings.Join(text, " ")
}

// take makes the interface carry exactly these addresses, as an active router does, and returns how many
// were put there.
func take(t *testing.T, k *link.Kernel, addresses []netip.Prefix) (added int) {
	t.Helper()
	if err := k.Claim("eth0", addresses); err != nil {
		t.Fatal(err)
	}
	if err := k.Retain(map[string][]netip.Prefix{"eth0": addresses}); err != nil {
		t.Fatal(err)
	}
	put, err := k.Ensure("eth0", addresses)
	if err != nil {
		t.Fatal(err)
	}
	return len(put)
}

func TestKernel_FromEachStateToEachOther(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	states := [][]netip.Prefix{
		{},
		prefixes("192.0.2.100/24"),
		prefixes("192.0.2.100/24", "192.0.2.101/24"),
		prefixes("192.0.2.100/32"),
		prefixes("198.51.100.1/24", "198.51.100.2/24"),
		prefixes("198.51.100.2/24", "198.51.100.3/24"), // the first of the above is the subnet's primary one
		prefixes("198.51.100.1/31", "203.0.113.1/32"),
	}
	for _, a := range states {
		for _, b := range states {
			take(t, k, a)
			take(t, k, b)
			text := []string{"192.0.2.11/24"}
			for _, p := range b {
				text = append(text, p.String())
			}
			slices.Sort(text)
			if diff := cmp.Diff(strings.Join(text, " "), carried(t, h)); diff != "" {
				t.Errorf("from %v to %v:\n%s", a, b, diff)
			}
			if added := take(t, k, b); added > 0 {
				t.Errorf("%v again: %d were put", b, added)
			}
		}
	}
}

func TestKernel_ManyAddressesAtOnceAndAnErrorOfEach(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	many := make([]netip.Prefix, 1000)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(100 + i/250), byte(1 + i%250)}), 32)
	}
	if err := k.Claim("eth0", many); err != nil {
		t.Fatal(err)
	}
	// Some are there before, and some are gone before.
	if _, err := k.Ensure("eth0", many[300:400]); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	added, err := k.Ensure("eth0", many)
	t.Logf("%d addresses put in %s", len(added), time.Since(begun))
	if err != nil || len(added) != 900 || slices.Contains(added, many[350]) {
		t.Errorf("put %d, error %v; want the 900 that were missing", len(added), err)
	}
	if err := k.Remove("eth0", many[:100]); err != nil {
		t.Error(err)
	}
	begun = time.Now()
	if err := k.Remove("eth0", many); err != nil {
		t.Error(err)
	}
	t.Logf("the rest of them removed in %s", time.Since(begun))
	if diff := cmp.Diff("192.0.2.11/24", carried(t, h)); diff != "" {
		t.Error(diff)
	}

	// An address that the kernel refuses keeps no other from being put, wherever it stands.
	if err := h.SetSysctl("net.ipv6.conf.eth0.disable_ipv6", "1"); err != nil {
		t.Fatal(err)
	}
	mixed := prefixes("198.51.100.1/32", "2001:db8::1/128", "198.51.100.2/32", "2001:db8::2/128")
	if err := k.Claim("eth0", mixed); err != nil {
		t.Fatal(err)
	}
	_, err = k.Ensure("eth0", mixed)
	if want := "add 2001:db8::1/128 to eth0: permission denied\nadd 2001:db8::2/128 to eth0: permission denied"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := carried(t, h); !strings.Contains(got, "198.51.100.1/32") || !strings.Contains(got, "198.51.100.2/32") {
		t.Errorf("the interface has %s", got)
	}
}

func TestKernel_TouchesOnlyWhatIsClaimed(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24", "192.0.2.50/24")
	ledger := &link.MemoryLedger{}
	k := open(t, h, ledger)
	if err := k.Claim("eth0", prefixes("192.0.2.50/32")); err == nil {
		t.Error("an address of the machine's own was claimed")
	}
	take(t, k, prefixes("192.0.2.100/24"))
	if err := k.Remove("eth0", prefixes("192.0.2.11/24", "192.0.2.50/24")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("192.0.2.100/24 192.0.2.11/24 192.0.2.50/24", carried(t, h)); diff != "" {
		t.Error(diff)
	}

	// Another process, with the same ledger.
	after := open(t, h, ledger)
	if err := after.Retain(nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("192.0.2.11/24 192.0.2.50/24", carried(t, h)); diff != "" {
		t.Error(diff)
	}
	if err := after.Remove("eth7", prefixes("192.0.2.100/24")); err != nil {
		t.Errorf("remove from an interface that is gone: %v", err)
	}
}

func TestKernel_SourceIsTheMachinesOwnAddress(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	take(t, k, prefixes("192.0.2.1/24", "192.0.2.5/32", "198.51.100.1/24"))
	expect := func(what, want string) {
		t.Helper()
		_, primary, err := k.Source("eth0", spec.IPv4)
		got := primary.String()
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
	expect("with virtual addresses", "192.0.2.11")
	run(t, h, "ip", "link", "set", "eth0", "down")
	expect("down", "interface eth0 is down")
	run(t, h, "ip", "link", "set", "eth0", "up")
	if err := h.Restore(); err != nil { // it returns when there is carrier
		t.Fatal(err)
	}
	expect("up", "192.0.2.11")
	run(t, h, "ip", "address", "delete", "192.0.2.11/24", "dev", "eth0")
	expect("without an address of its own", "interface eth0 has no IPv4 address")
	if err := h.Cut(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss of carrier shows", func() bool {
		_, _, err := k.Source("eth0", spec.IPv4)
		return err != nil && err.Error() == "interface eth0 has no carrier"
	})
	run(t, h, "ip", "link", "delete", "eth0")
	expect("deleted", "interface eth0 does not exist")
}

func TestKernel_SourceInIPv6IsTheMachinesOwnLinkLocalAddress(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "2001:db8::11/64")
	k := open(t, h, &link.MemoryLedger{})
	var own netip.Addr
	eventually(t, "the interface has a link-local address", func() bool {
		var err error
		_, own, err = k.Source("eth0", spec.IPv6)
		return err == nil
	})
	if !own.IsLinkLocalUnicast() {
		t.Errorf("it is %s", own)
	}
	take(t, k, prefixes("fe80::33/64", "2001:db8::100/64"))
	if _, primary, err := k.Source("eth0", spec.IPv6); primary != own || err != nil {
		t.Errorf("with virtual addresses it is %s (%v), was %s", primary, err, own)
	}
	for address, want := range map[string]string{
		own.String():    "",
		"2001:db8::11":  "",
		"2001:db8::100": "interface eth0 has no address 2001:db8::100 of its own",
		"2001:db8::12":  "interface eth0 has no address 2001:db8::12 of its own",
	} {
		got := ""
		if err := k.Owns("eth0", netip.MustParseAddr(address)); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", address, diff)
		}
	}
	run(t, h, "ip", "address", "delete", own.String()+"/64", "dev", "eth0")
	_, _, err := k.Source("eth0", spec.IPv6)
	if want := "interface eth0 has no link-local IPv6 address"; err == nil || err.Error() != want {
		t.Errorf("without one: %v, want %s", err, want)
	}
}

func TestKernel_37_AdvertsFitTheMTU(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	of := func(version, n int, first netip.Addr, bits int) spec.FieldErrors {
		v := spec.DefaultVRRPInstance()
		v.Version, v.Interface = version, "eth0"
		for range n {
			v.VirtualAddresses = append(v.VirtualAddresses, netip.PrefixFrom(first, bits))
			first = first.Next()
		}
		return k.Check(v)
	}
	four, six := netip.MustParseAddr("198.51.100.0"), netip.MustParseAddr("fe80::100")
	run(t, h, "ip", "link", "set", "eth0", "mtu", "576")
	for name, test := range map[string]struct {
		got  spec.FieldErrors
		most int
	}{
		"IPv4 that fits":          {of(3, 137, four, 32), 0},
		"IPv4 that does not":      {of(3, 138, four, 32), 137},
		"version 2 that fits":     {of(2, 135, four, 32), 0},
		"version 2 that does not": {of(2, 136, four, 32), 135},
		"IPv6 that fits":          {of(3, 33, six, 64), 0},
		"IPv6 that does not":      {of(3, 34, six, 64), 33},
	} {
		var want spec.FieldErrors
		if test.most > 0 {
			want = spec.FieldErrors{{Pointer: "/virtual_addresses", Detail: fmt.Sprintf(
				"%d addresses do not fit into an advert on eth0, whose MTU is 576: at most %d", test.most+1, test.most)}}
		}
		if diff := cmp.Diff(want, test.got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestKernel_Check(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	tests := map[string]struct {
		iface     string
		addresses []netip.Prefix
		want      spec.FieldErrors
	}{
		"nothing wrong": {"eth0", prefixes("192.0.2.100/24"), nil},
		"missing interface": {"eth7", prefixes("192.0.2.100/24"),
			spec.FieldErrors{{Pointer: "/interface", Detail: "eth7 does not exist on this director: it has eth0"}}},
		"loopback": {"lo", prefixes("192.0.2.100/24"),
			spec.FieldErrors{{Pointer: "/interface", Detail: "lo cannot multicast, as adverts need: use another interface"}}},
		"own address": {"eth0", prefixes("192.0.2.100/24", "192.0.2.11/32"),
			spec.FieldErrors{{Pointer: "/virtual_addresses/1", Detail: "192.0.2.11 is eth0's own address: use one that no machine has, or priority 255 here"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := k.Check(spec.VRRPInstance{Interface: test.iface, VirtualAddresses: test.addresses})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	want := spec.FieldErrors{{Pointer: "/track_interfaces/eth9", Detail: "eth9 does not exist on this director: it has eth0"}}
	got := k.Check(spec.VRRPInstance{Interface: "eth0", TrackInterfaces: map[string]spec.Track{"eth0": {}, "eth9": {}}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for iface, want := range map[string]string{"eth0": "<nil>", "eth9": "interface eth9 does not exist"} {
		if got := fmt.Sprint(k.Carrier(iface)); got != want {
			t.Errorf("carrier of %s: %s, want %s", iface, got, want)
		}
	}
	if diff := cmp.Diff("192.0.2.11/24", carried(t, h)); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
}

func TestKernel_AnnouncesInBothForms(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	h, watcher := n.Host(t, "d1", "192.0.2.11/24"), n.Host(t, "watcher", "192.0.2.250/24")
	k := open(t, h, &link.MemoryLedger{})
	var wire *packet.Conn
	var sender net.HardwareAddr
	err := errors.Join(
		watcher.Do(func() error {
			eth0, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			wire, err = packet.Listen(eth0, packet.Raw, unix.ETH_P_ARP, nil)
			return err
		}),
		h.Do(func() error {
			eth0, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			sender = eth0.HardwareAddr
			return k.Announce("eth0", []netip.Addr{netip.MustParseAddr("192.0.2.100")})
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wire.Close() }) // nothing is written to it
	if err := wire.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// Ethernet: broadcast, sender, ARP; then RFC 826: Ethernet and IPv4, operation, sender, target.
	const address, head = "c0000264", "0001" + "0800" + "0604"
	mac := fmt.Sprintf("%x", []byte(sender))
	want := []string{
		"ffffffffffff" + mac + "0806" + head + "0001" + mac + address + "000000000000" + address,
		"ffffffffffff" + mac + "0806" + head + "0002" + mac + address + mac + address,
	}
	var got []string
	for buf := make([]byte, 128); len(got) < len(want); {
		_, _, err := wire.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%x", buf[:42]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKernel_WatchHintsAtChanges(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	for name, change := range map[string][][]string{
		"address": {
			{"ip", "address", "add", "192.0.2.60/24", "dev", "eth0"},
			{"ip", "address", "delete", "192.0.2.60/24", "dev", "eth0"},
		},
		"link": {
			{"ip", "link", "set", "eth0", "down"},
			{"ip", "link", "set", "eth0", "up"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := n.Host(t, name, "192.0.2.11/24")
			// No link-local address that comes and goes with the link.
			run(t, h, "ip", "link", "set", "eth0", "addrgenmode", "none")
			run(t, h, "ip", "-6", "address", "flush", "dev", "eth0")
			hints := watch(t, h)
			// Until it has subscribed there is nothing to hear, so the change is made until it is heard.
			eventually(t, "the change was hinted at", func() bool {
				for _, argv := range change {
					run(t, h, argv...)
				}
				return hints.Load() > 0
			})
		})
	}
}

// watch counts the hints on a host until the test ends.
func watch(t *testing.T, h *lab.Host) (hints *atomic.Int64) {
	t.Helper()
	k := open(t, h, &link.MemoryLedger{})
	ctx, cancel := context.WithCancel(context.Background())
	hints, ended := &atomic.Int64{}, make(chan error, 1)
	go func() {
		// On the host: subscriptions are of the namespace that they are made in.
		ended <- h.Do(func() error { return k.Watch(ctx, func() { hints.Add(1) }) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return hints
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
