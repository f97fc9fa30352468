package wiretest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func virtualLink() spec.VirtualLink {
	return spec.VirtualLink{Name: "vr4-51-67b197", Parent: "eth0", MAC: "00:00:5e:00:01:33"}
}

// provide is Provide on the host: settings are those of the thread's namespace.
func provide(h *lab.Host, k *link.Kernel, l spec.VirtualLink, addresses []netip.Prefix) error {
	return h.Do(func() error {
		_, err := k.Provide(l, addresses)
		return err
	})
}

func shown(t *testing.T, h *lab.Host, argv ...string) string {
	t.Helper()
	out, err := h.Output(t.Context(), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKernel_42_79_AVirtualLinkIsLocalOnlyInService(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24", "2001:db8::11/64")
	k := open(t, h, &link.MemoryLedger{})
	l, addresses := virtualLink(), prefixes("192.0.2.100/32", "2001:db8::100/128", "fe80::33/64")
	if err := k.Claim(l.Name, addresses); err != nil {
		t.Fatal(err)
	}
	local := func(want bool) {
		t.Helper()
		for _, address := range []string{"192.0.2.100", "2001:db8::100"} {
			out, _ := h.Output(t.Context(), "ip", "route", "get", address)
			if strings.Contains(out, "local ") != want {
				t.Errorf("%s is local: %t, want %t:\n%s", address, !want, want, out)
			}
		}
	}
	for range 2 {
		if err := provide(h, k, l, addresses); err != nil {
			t.Fatal(err)
		}
		local(false)
	}
	for range 3 {
		added, err := k.Ensure(l.Name, addresses)
		if err != nil || len(added) != len(addresses) {
			t.Fatalf("%v were put into service: %v", added, err)
		}
		if err := k.StandBy(l.Name); err != nil { // as soon as this, too
			t.Fatal(err)
		}
		local(false)
	}
	if _, err := k.Ensure(l.Name, addresses); err != nil {
		t.Fatal(err)
	}
	if added, err := k.Ensure(l.Name, addresses); err != nil || len(added) > 0 {
		t.Errorf("%v were put into service again: %v", added, err)
	}
	local(true)
	// Somebody takes one away, and all down.
	shown(t, h, "ip", "addr", "del", "192.0.2.100/32", "dev", l.Name)
	if added, err := k.Ensure(l.Name, addresses); err != nil || len(added) != 1 {
		t.Errorf("%v were put back: %v", added, err)
	}
	shown(t, h, "ip", "link", "set", l.Name, "down")
	if added, err := k.Ensure(l.Name, addresses); err != nil || len(added) != len(addresses) {
		t.Errorf("%v were put back: %v", added, err)
	}
	local(true)
	if err := h.Do(func() error { return k.RetainLinks(nil) }); err != nil {
		t.Fatal(err)
	}
	if out := shown(t, h, "ip", "link"); strings.Contains(out, l.Name) {
		t.Errorf("there still is %s", out)
	}
}

func TestKernel_AVirtualLinkIsAdoptedByItsRecordAlone(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	l, addresses := virtualLink(), prefixes("192.0.2.100/32")
	ledgers := link.Ledgers{Addresses: &link.MemoryLedger{}, Links: &link.MemoryLedgerOf[spec.VirtualLink]{}, Settings: &link.MemoryLedgerOf[link.Setting]{}}
	index := func() string { return shown(t, h, "cat", "/sys/class/net/"+l.Name+"/ifindex") }
	first := openWith(t, h, ledgers)
	if err := provide(h, first, l, addresses); err != nil {
		t.Fatal(err)
	}
	was := index()
	second := openWith(t, h, ledgers)
	if err := provide(h, second, l, addresses); err != nil || index() != was {
		t.Errorf("the interface was made anew: %s, was %s (%v)", index(), was, err)
	}
	stranger := open(t, h, &link.MemoryLedger{})
	if err := provide(h, stranger, l, addresses); err == nil || !strings.Contains(err.Error(), "not ours") {
		t.Errorf("another one's interface was taken: %v", err)
	}
	if err := h.Do(func() error { return stranger.RetainLinks(nil) }); err != nil || index() != was {
		t.Errorf("another one's interface was removed: %v", err)
	}
	if err := provide(h, second, l, prefixes("192.0.2.11/32")); err == nil || !strings.Contains(err.Error(), "192.0.2.11 is an address of eth0 itself") {
		t.Errorf("the parent's own address was taken: %v", err)
	}
}

func TestKernel_80_SettingsOfTheWholeMachineThatBreakAVirtualLinkAreNamed(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	for setting, value := range map[string]string{"arp_filter": "1", "arp_ignore": "2"} {
		if err := h.SetSysctl("net.ipv4.conf.all."+setting, value); err != nil {
			t.Fatal(err)
		}
		if err := provide(h, k, virtualLink(), nil); err == nil || !strings.Contains(err.Error(), "net.ipv4.conf.all."+setting+" is "+value) {
			t.Errorf("%s = %s: %v", setting, value, err)
		}
		if err := h.SetSysctl("net.ipv4.conf.all."+setting, "0"); err != nil {
			t.Fatal(err)
		}
	}
}
