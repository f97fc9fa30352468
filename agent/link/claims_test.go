package link_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, p := range list {
		all[i] = netip.MustParsePrefix(p)
	}
	return all
}

// machine returns one whose eth0 is 192.0.2.11/24.
func machine(t *testing.T, ledger link.Ledger) *link.Memory {
	t.Helper()
	m, err := link.NewMemory(ledger)
	if err != nil {
		t.Fatal(err)
	}
	m.SetOwn("eth0", netip.MustParsePrefix("192.0.2.11/24"))
	return m
}

// take makes the machine carry exactly these addresses, as an active router does.
func take(t *testing.T, m *link.Memory, state map[string][]netip.Prefix) {
	t.Helper()
	for iface, addresses := range state {
		if err := m.Claim(iface, addresses); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Retain(state); err != nil {
		t.Fatal(err)
	}
	for iface, addresses := range state {
		if _, err := m.Ensure(iface, addresses); err != nil {
			t.Fatal(err)
		}
	}
}

// lines is the machine's text with the addresses of each interface in order.
func lines(m *link.Memory) string {
	all := strings.Split(strings.TrimSpace(m.String()), "\n")
	for i, line := range all {
		words := strings.Fields(line)
		slices.Sort(words[2:])
		all[i] = strings.Join(words, " ")
	}
	return strings.Join(all, "\n")
}

func TestMachine_FromEachStateToEachOther(t *testing.T) {
	t.Parallel()
	states := map[string]map[string][]netip.Prefix{
		"nothing":               {},
		"one":                   {"eth0": prefixes("192.0.2.100/24")},
		"two":                   {"eth0": prefixes("192.0.2.100/24", "192.0.2.101/24")},
		"the same, host prefix": {"eth0": prefixes("192.0.2.100/32")},
		"another subnet":        {"eth0": prefixes("198.51.100.1/24", "198.51.100.2/24")},
		"another interface":     {"eth1": prefixes("192.0.2.100/24")},
		"both interfaces":       {"eth0": prefixes("192.0.2.101/24"), "eth1": prefixes("192.0.2.100/24", "198.51.100.2/32")},
	}
	for from, a := range states {
		for to, b := range states {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				fresh := machine(t, &link.MemoryLedger{})
				fresh.SetOwn("eth1", netip.MustParsePrefix("203.0.113.11/24"))
				take(t, fresh, b)

				m := machine(t, &link.MemoryLedger{})
				m.SetOwn("eth1", netip.MustParsePrefix("203.0.113.11/24"))
				take(t, m, a)
				take(t, m, b)
				if diff := cmp.Diff(lines(fresh), lines(m)); diff != "" {
					t.Errorf("(-fresh +changed):\n%s", diff)
				}
				writes := m.Writes()
				take(t, m, b)
				if got := m.Writes(); got != writes {
					t.Errorf("%d writes for nothing", got-writes)
				}
			})
		}
	}
}

func TestClaim_RefusesWhatIsTheMachinesOwn(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"192.0.2.11/24", "192.0.2.11/32"} {
		ledger := &link.MemoryLedger{}
		m := machine(t, ledger)
		err := m.Claim("eth0", prefixes("192.0.2.100/24", own))
		if want := "192.0.2.11 is an address of eth0 itself: it cannot be a virtual address, but of its owner with priority 255; if an agent whose state is lost left it there, take it off (ip address del)"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if entries, _ := ledger.Entries(); len(entries) > 0 {
			t.Errorf("claimed all the same: %v", entries)
		}
		if err := m.Remove("eth0", prefixes(own)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff("eth0 UP 192.0.2.11/24\n", m.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestClaim_OutlivesACrash(t *testing.T) {
	t.Parallel()
	ledger := &link.MemoryLedger{}
	before := machine(t, ledger)
	if err := before.Claim("eth0", prefixes("192.0.2.100/24", "192.0.2.101/24")); err != nil {
		t.Fatal(err)
	}
	after := machine(t, ledger)
	// On the interface, as the crash left it: Ensure works without another Claim.
	if _, err := after.Ensure("eth0", prefixes("192.0.2.100/24", "192.0.2.101/24")); err != nil {
		t.Fatal(err)
	}
	if err := after.Claim("eth0", prefixes("192.0.2.100/24")); err != nil {
		t.Errorf("what is claimed cannot be claimed again: %v", err)
	}
	if err := after.Retain(map[string][]netip.Prefix{"eth0": prefixes("192.0.2.100/24")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24 192.0.2.100/24\n", after.String()); diff != "" {
		t.Error(diff)
	}
	entries, err := ledger.Entries()
	if diff := cmp.Diff("[{eth0 192.0.2.100/24}] <nil>", fmt.Sprint(entries, err)); diff != "" {
		t.Error(diff)
	}
}

func TestClaimForOwner_LeavesTheMachinesOwnAlone(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"192.0.2.11/24", "192.0.2.11/32"} {
		ledger := &link.MemoryLedger{}
		m := machine(t, ledger)
		virtual := prefixes(own, "192.0.2.100/24")
		for range 2 {
			if err := m.ClaimForOwner("eth0", virtual); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := ledger.Entries()
		if diff := cmp.Diff("[{eth0 192.0.2.100/24}] <nil>", fmt.Sprint(entries, err)); diff != "" {
			t.Errorf("claimed:\n%s", diff)
		}
		added, err := m.Ensure("eth0", virtual)
		if diff := cmp.Diff("[192.0.2.100/24] <nil>", fmt.Sprint(added, err)); diff != "" {
			t.Errorf("put:\n%s", diff)
		}
		if err := m.Remove("eth0", virtual); err != nil {
			t.Error(err)
		}
		if err := m.Retain(nil); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff("eth0 UP 192.0.2.11/24\n", m.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestEnsure_PutsWhatIsMissingAndClaimed(t *testing.T) {
	t.Parallel()
	m := machine(t, &link.MemoryLedger{})
	if err := m.Claim("eth0", prefixes("192.0.2.100/24", "192.0.2.101/24")); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		ensure []netip.Prefix
		added  string
		err    string
	}{
		{prefixes("192.0.2.100/24"), "[192.0.2.100/24]", ""},
		{prefixes("192.0.2.100/24"), "[]", ""},
		{prefixes("192.0.2.102/24", "192.0.2.101/24"), "[192.0.2.101/24]", "add 192.0.2.102/24 to eth0: the address is not claimed"},
	}
	for _, s := range steps {
		added, err := m.Ensure("eth0", s.ensure)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(s.added+" "+s.err, fmt.Sprint(added)+" "+got); diff != "" {
			t.Errorf("ensure %v:\n%s", s.ensure, diff)
		}
	}
}

// failing is a ledger that cannot write.
type failing struct{ link.MemoryLedger }

var errDisk = errors.New("no space left on device")

func (*failing) Record(...link.Held) error { return errDisk }
func (*failing) Forget(...link.Held) error { return errDisk }

func TestClaim_IsNoneUnlessItIsOnDisk(t *testing.T) {
	t.Parallel()
	m := machine(t, &failing{})
	if err := m.Claim("eth0", prefixes("192.0.2.100/24")); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	if _, err := m.Ensure("eth0", prefixes("192.0.2.100/24")); err == nil {
		t.Error("an address was put on an interface that a crash would leave there for ever")
	}
}

func TestRetain_RemovesAlsoWhenItCannotForget(t *testing.T) {
	t.Parallel()
	ledger := &failing{}
	if err := ledger.MemoryLedger.Record(link.Held{Interface: "eth0", Prefix: netip.MustParsePrefix("192.0.2.100/24")}); err != nil {
		t.Fatal(err)
	}
	m := machine(t, ledger)
	if _, err := m.Ensure("eth0", prefixes("192.0.2.100/24")); err != nil {
		t.Fatal(err)
	}
	if err := m.Retain(nil); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff("eth0 UP 192.0.2.11/24\n", m.String()); diff != "" {
		t.Error(diff)
	}
}

func TestCheck_PointsAtTheAddress(t *testing.T) {
	t.Parallel()
	m := machine(t, &link.MemoryLedger{})
	if err := m.Claim("eth0", prefixes("192.0.2.100/24")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ensure("eth0", prefixes("192.0.2.100/24")); err != nil {
		t.Fatal(err)
	}
	v := spec.VRRPInstance{Interface: "eth0", VirtualAddresses: prefixes("192.0.2.100/24", "192.0.2.11/24")}
	got := m.Check(v)
	want := spec.FieldErrors{{Pointer: "/virtual_addresses/1", Detail: "192.0.2.11 is eth0's own address: use one that no machine has, or priority 255 here"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	v.Priority = 255
	if got := m.Check(v); got != nil {
		t.Errorf("an owner may not have its own address: %v", got)
	}
}
