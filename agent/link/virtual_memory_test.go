package link_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestMachine_AVirtualLinkStandsByAndServes(t *testing.T) {
	t.Parallel()
	m := machine(t, &link.MemoryLedger{})
	l := spec.VirtualLink{Name: "vr4-51-67b197", Parent: "eth0", MAC: "00:00:5e:00:01:33"}
	addresses := prefixes("192.0.2.100/32", "192.0.2.101/32")
	const parent = "eth0 UP 192.0.2.11/24\n"
	const down, up = "vr4-51-67b197@eth0 DOWN 00:00:5e:00:01:33 192.0.2.100/32 192.0.2.101/32\n", "vr4-51-67b197@eth0 UP 00:00:5e:00:01:33 192.0.2.100/32 192.0.2.101/32\n"
	is := func(want string) {
		t.Helper()
		if diff := cmp.Diff(want, m.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	provide := func() {
		t.Helper()
		if _, err := m.Provide(l, addresses); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Claim(l.Name, addresses); err != nil {
		t.Fatal(err)
	}
	provide()
	is(parent + down)
	for _, want := range []int{2, 0} { // all of them were not there before, and now are
		added, err := m.Ensure(l.Name, addresses)
		if err != nil || len(added) != want {
			t.Errorf("%v were put into service (%v), want %d", added, err, want)
		}
		provide() // leaves what is in service
		is(parent + up)
	}
	writes := m.Writes()
	provide()
	if m.Writes() != writes {
		t.Error("providing again writes")
	}
	if err := m.StandBy(l.Name); err != nil {
		t.Fatal(err)
	}
	is(parent + down)
	if _, err := m.Provide(l, prefixes("192.0.2.11/32")); err == nil {
		t.Error("the parent's own address was accepted")
	}
	if err := m.RetainLinks(nil); err != nil {
		t.Fatal(err)
	}
	is(parent)
}
