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

// The same for IPv6, where nobody but the active router answers a neighbour solicitation.
func TestWire_44_ABackupAnswersNoNeighborSolicitation(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T, *lab.Network) (active, backup *director){
		"on the interface": func(t *testing.T, n *lab.Network) (active, backup *director) { return pairOf(t, n, inIPv6) },
		"with a virtual MAC": func(t *testing.T, n *lab.Network) (active, backup *director) {
			active, backup, _ = macPair(t, n, inIPv6)
			return active, backup
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			client := n.Host(t, "client", "2001:db8::20/64")
			seen := startCaptureOn(t, client)
			_, d2 := start(t, n)
			answers := func() []frame {
				return seen.since(0, func(f frame) bool {
					_, message, _ := f.icmp6(neighborAdvertisement)
					const solicited = 0x40 // RFC 4861 §4.4
					return announced("2001:db8::100")(f) && message[4]&solicited != 0
				})
			}
			for asked := 1; asked <= 3; asked++ {
				output(t, client, "ip", "neigh", "flush", "dev", "eth0")
				output(t, client, "busybox", "ping", "-c", "1", "-W", "10", "2001:db8::100")
				eventually(t, "somebody has answered", func() bool { return len(answers()) >= asked })
			}
			for _, f := range answers() {
				if backup := hardwareAddress(t, d2.host).String(); f.from() == backup {
					t.Errorf("the backup (%s) answers: %x", backup, f)
				}
			}
		})
	}
}

// What others did while a process was stopped it learns before it does anything itself.
func TestWire_74_AProcessThatWasStoppedComesBackAsBackup(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stopped func(d1, d2 *director) *director
		active  func(d1, d2 *director) *director // afterwards
	}{
		"active": {first, second},
		"backup": {second, first},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			wire := startCapture(t, n)
			d1, d2 := pair(t, n)
			v := instance(150)
			v.Preempt = false // or it would take its role back, and be right
			d1.set(web(v))
			stopped, active := tt.stopped(d1, d2), tt.active(d1, d2)
			became := stopped.status().BecameActive
			if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			eventually(t, active.host.Name()+" is active", func() bool { return active.is(spec.InstanceActive) })
			stop := wire.mark()
			from := func(d *director) func(frame) bool {
				mac := hardwareAddress(t, d.host).String()
				return func(f frame) bool { return f.from() == mac }
			}
			theirs, own := from(active), from(stopped)
			adverts := func(f frame) bool { return isAdvert(f) && theirs(f) }
			eventually(t, "fifty intervals have passed", func() bool { return len(wire.since(stop, adverts)) >= 50 })
			mark := wire.mark()
			if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			roles(t, active, stopped)
			eventually(t, "it has listened for a while", func() bool { return len(wire.since(mark, adverts)) >= 10 })
			said := func(f frame) bool {
				return own(f) && (isAdvert(f) || garp(arpRequest, "192.0.2.100")(f) || garp(arpReply, "192.0.2.100")(f))
			}
			if all := wire.since(mark, said); len(all) > 0 {
				t.Errorf("it came back as if it were active: %x", all)
			}
			if got := stopped.status(); got.BecameActive != became {
				t.Errorf("it became active: %+v", got)
			}
		})
	}
}

func first(d1, _ *director) *director  { return d1 }
func second(_, d2 *director) *director { return d2 }
