package wiretest

import (
	"strings"
	"syscall"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestWire_44_45_ABackupNeitherAnswersForTheAddressNorTakesItsPackets(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	client := n.Host(t, "client", "192.0.2.20/24")
	asks := func() string {
		t.Helper()
		// It fails when it heard nobody, and prints who answered.
		out, _ := client.Output(t.Context(), "busybox", "arping", "-c", "3", "-w", "5", "-I", "eth0", "192.0.2.100")
		return strings.ToLower(out)
	}
	local := func(d *director) bool {
		t.Helper()
		out, err := d.host.Output(t.Context(), "ip", "route", "get", "192.0.2.100")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(out, "local ")
	}
	answers := asks()
	if active := hardwareAddress(t, d1.host).String(); !strings.Contains(answers, active) {
		t.Errorf("the active router (%s) does not answer:\n%s", active, answers)
	}
	if backup := hardwareAddress(t, d2.host).String(); strings.Contains(answers, backup) {
		t.Errorf("the backup (%s) answers:\n%s", backup, answers)
	}
	if !local(d1) || local(d2) {
		t.Errorf("the address is local on d1: %t, on d2: %t", local(d1), local(d2))
	}
}

func TestWire_74_AProcessThatWasStoppedComesBackAsBackup(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := pair(t, n)
	v := instance(150)
	v.Preempt = false // or it would take its role back, and be right
	d1.set(web(v))
	if err := d1.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d2 took over", func() bool { return d2.is(spec.InstanceActive) })
	eventually(t, "d1 overslept by more than its down interval", func() bool { return d2.status().AdvertsSent > 10 })
	if !carries(t, d1.host, virtual) {
		t.Error("a stopped process has taken the address off")
	}
	if err := d1.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	roles(t, d2, d1)
	if got := d2.status(); got.BecameActive != 1 {
		t.Errorf("d2 was disturbed: %+v", got)
	}
}
