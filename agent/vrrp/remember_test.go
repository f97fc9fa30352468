package vrrp

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Everything that a machine remembers goes to the next process: a field that is added to it is missed here.
func TestMachineOf_RemembersEverything(t *testing.T) {
	t.Parallel()
	at := 26*time.Hour + 123456789*time.Nanosecond
	m := &Machine{
		params: Parameters{Version: 3, Primary: netip.MustParseAddr("fe80::1%eth0"), Priority: 150, Interval: 10 * time.Millisecond, Preempt: true,
			PreemptDelay: 5 * time.Second, Hold: true, Grouped: true, TieDelay: 30 * time.Millisecond},
		state: spec.InstanceBackup, activeInterval: 40950 * time.Millisecond, activeRouter: netip.MustParseAddr("192.0.2.12"),
		deadline: at, pending: true, failingOver: true, aside: true, ready: true, following: true, challenging: true, challengedAt: at + 1,
		tied: true, tiedAt: at + 2, tieHeardAt: at + 3, holding: true, resuming: true, answerFrom: at + 4, announceFrom: at + 5,
	}
	fields := reflect.ValueOf(m).Elem()
	for i := range fields.NumField() {
		if name := fields.Type().Field(i).Name; fields.Field(i).IsZero() && name != "actions" {
			t.Errorf("%s is not looked at here", name)
		}
	}
	params := reflect.ValueOf(m.params)
	for i := range params.NumField() {
		if params.Field(i).IsZero() {
			t.Errorf("parameter %s is not looked at here", params.Type().Field(i).Name)
		}
	}
	data, err := spec.Encode(m.Remember())
	if err != nil {
		t.Fatal(err)
	}
	var got MachineState
	if err := spec.Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, MachineOf(got), cmp.AllowUnexported(Machine{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
