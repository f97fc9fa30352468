package wiretest

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// interval is that of the adverts.
const interval = 100 * time.Millisecond

// instance is a virtual router that keepalived 2.2.7 understands.
func instance(priority int) string {
	return fmt.Sprintf(`{"virtual_router_id":51,"interface":"eth0","priority":%d,"advertisement_interval":%q,"virtual_addresses":["192.0.2.100/24"],"checksum_compatibility":"rfc5798"}`, priority, interval)
}

const script = `{"command":["/usr/bin/true"]}`

func startKeepalived(t *testing.T, on *lab.Host, priority int) *lab.Keepalived {
	t.Helper()
	k, err := on.StartKeepalived(t.Context(), fmt.Sprintf(`global_defs {
	vrrp_version 3
}
vrrp_instance web {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority %d
	advert_int %g
	virtual_ipaddress {
		192.0.2.100/24
	}
}
`, priority, interval.Seconds()), "--vrrp")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Ten upgrades of the active director, while its peer would take over within half a second, and requests go on.
func TestUpgrade_KeepalivedNeverNoticesNorDoClients(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.put("/v1/vrrp-instances/web", instance(200))
	d.await("it is active", func() bool { return d.web().State == "active" })
	k := startKeepalived(t, n.Host(t, "peer", "192.0.2.12/24"), 100)
	d.await("keepalived is a backup", func() bool { return strings.Contains(k.Log(), "Entering BACKUP STATE") })
	before := d.status()
	begun := len(wire.of(51))

	stop := make(chan struct{})
	var asking sync.WaitGroup
	var asked [2]int
	for i, change := range []bool{false, true} {
		asking.Go(func() {
			for ; ; asked[i]++ {
				select {
				case <-stop:
					return
				default:
				}
				method, path, body := http.MethodGet, "/v1/snapshot", ""
				if change {
					method, path, body = http.MethodPut, fmt.Sprintf("/v1/check-scripts/s%d", asked[i]), script
				}
				status, answer, err := d.call(method, path, body)
				if err != nil || status/100 != 2 {
					t.Errorf("%s: %s %s: %d %s %v", time.Now().UTC().Format(time.RFC3339Nano), method, path, status, answer, err)
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	const upgrades = 10
	for range upgrades {
		d.upgrade()
		time.Sleep(3 * interval)
	}
	close(stop)
	asking.Wait()

	adverts := wire.of(51)[begun:]
	for _, a := range adverts {
		if a.source != netip.MustParseAddr("192.0.2.11") || a.priority != 200 {
			t.Errorf("an advert of %s with priority %d", a.source, a.priority)
		}
	}
	t.Logf("%d upgrades, %d adverts, at most %s apart; %d reads and %d writes were answered", upgrades, len(adverts), longestGap(adverts), asked[0], asked[1])
	if log := k.Log(); strings.Contains(log, "Entering MASTER STATE") {
		t.Errorf("keepalived took over:\n%s", log)
	}
	after := d.status()
	if got, want := after.VRRPInstances["web"], before.VRRPInstances["web"]; got.VRRPInstanceState != want.VRRPInstanceState {
		t.Errorf("%+v became %+v", want, got)
	}
	if got := len(after.CheckScripts); got != asked[1] {
		t.Errorf("of %d scripts that were put %d are there", asked[1], got)
	}
	if has, err := d.host.Has(netip.MustParseAddr("192.0.2.100")); err != nil || !has {
		t.Errorf("the address is there: %t, %v", has, err)
	}
}

// A pair, one upgraded after the other, again and again: nobody's state changes, with a virtual MAC neither, and readers of
// events go on.
func TestUpgrade_OfAPairChangesNobodysState(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d1 := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d2 := startDirector(t, n.Host(t, "d2", "192.0.2.12/24"))
	for _, d := range []*director{d1, d2} {
		priority := map[*director]int{d1: 200, d2: 100}[d]
		for name, more := range map[string]string{
			"web":  `"virtual_router_id":51,"virtual_addresses":["192.0.2.100/24"]`,
			"mail": `"virtual_router_id":52,"virtual_addresses":["192.0.2.101/24"],"virtual_mac":true`,
		} {
			d.put("/v1/vrrp-instances/"+name, fmt.Sprintf(`{"interface":"eth0","priority":%d,"advertisement_interval":%q,%s}`, priority, interval, more))
		}
	}
	roles := func() string {
		text := ""
		for _, d := range []*director{d1, d2} {
			for _, name := range []string{"web", "mail"} {
				s := d.status().VRRPInstances[name]
				text += fmt.Sprintf("%s %s: %s since %s, active is %s\n", d.host.Name(), name, s.State, s.Since, s.ActiveRouter)
			}
		}
		return text
	}
	settled := func() bool {
		text := roles()
		return strings.Count(text, ": active") == 2 && strings.Count(text, "active is 192.0.2.11") == 4 && strings.Count(text, "d2 mail: backup")+strings.Count(text, "d2 web: backup") == 2
	}
	d1.await("all is settled", settled)
	time.Sleep(5 * interval)
	before, begun, events := roles(), [2]int{len(wire.of(51)), len(wire.of(52))}, d1.status().Events.Revision
	for range 5 {
		d2.upgrade()
		d1.upgrade()
	}
	if diff := cmp.Diff(before, roles()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	for i, vrid := range []uint8{51, 52} {
		adverts := wire.of(vrid)[begun[i]:]
		for _, a := range adverts {
			if a.source != netip.MustParseAddr("192.0.2.11") || a.priority != 200 {
				t.Errorf("virtual router %d: an advert of %s with priority %d", vrid, a.source, a.priority)
			}
		}
		t.Logf("virtual router %d: %d adverts, at most %s apart", vrid, len(adverts), longestGap(adverts))
	}
	// Five processes began, and nothing else happened: no event is lost, and none has the number of another.
	if got := d1.status().Events.Revision; got != events+5 {
		t.Errorf("of 5 upgrades there are %d events", got-events)
	}
}

// Whatever the new program does, the agent that runs goes on, says why, and can still be upgraded and written to.
func TestUpgrade_TheOneThatRunsGoesOnWhenTheNewOneCannot(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.put("/v1/vrrp-instances/web", instance(200))
	d.await("it is active", func() bool { return d.web().State == "active" })
	k := startKeepalived(t, n.Host(t, "peer", "192.0.2.12/24"), 100)
	d.await("keepalived is a backup", func() bool { return strings.Contains(k.Log(), "Entering BACKUP STATE") })
	begun := len(wire.of(51))

	agent := lab.Program("lvs-agent")
	for name, tt := range map[string]struct {
		spoil func()
		mend  func()
		want  string
	}{
		"it ends at once":      {spoil: func() { d.installScript("exit 3") }, want: "the new agent ended (exit status 3) before it was prepared"},
		"it is no program":     {spoil: func() { d.installText("no program") }, want: "start the new agent, "},
		"it says something":    {spoil: func() { d.installScript(`echo '{"step":"ready"}' >&3; sleep 60`) }, want: `the new agent said "ready", and was to say "prepared"`},
		"it knows no handover": {spoil: func() { d.installScript("unset LVS_AGENT_HANDOVER; exec 3>&-; exec " + agent + ` "$@"`) }, want: "before it was prepared"},
		"it says no JSON":      {spoil: func() { d.installScript(`echo hello >&3; sleep 60`) }, want: "read what the other process says"},
		"it dies when it has the state": {
			spoil: func() {
				d.installScript(`read offer <&3; echo '{"step":"prepared","version":"next"}' >&3; read state <&3; echo garbage > ` + d.dir + `/state.db; exit 4`)
			},
			want: "the new agent ended (exit status 4) before it was ready",
		},
		"it dies when it has the instances": {
			spoil: func() {
				d.installScript(`read offer <&3; echo '{"step":"prepared","version":"next"}' >&3; read state <&3; echo '{"step":"ready"}' >&3; read instances <&3; exit 5`)
			},
			want: "the new agent ended (exit status 5) before it was taken",
		},
		"it hangs when it has the instances": {
			spoil: func() {
				d.installScript(`read offer <&3; echo '{"step":"prepared","version":"next"}' >&3; read state <&3; echo '{"step":"ready"}' >&3; sleep 60`)
			},
			want: "the new agent was not taken within 3s",
		},
		"its configuration is bad": {spoil: func() { d.configure("nonsense = 1") }, mend: func() { d.configure("") }, want: "nonsense"},
	} {
		before := d.status().Revision
		tt.spoil()
		said, err := d.tryUpgrade()
		if err == nil || !strings.Contains(said, tt.want) {
			t.Errorf("%s: it said %q (%v), want %q", name, said, err, tt.want)
		}
		if tt.mend != nil {
			tt.mend()
		}
		if got := d.status().Revision; got != before {
			t.Errorf("%s: revision %d became %d", name, before, got)
		}
		d.put("/v1/check-scripts/gateway", script)
		if status, answer, err := d.call(http.MethodDelete, "/v1/check-scripts/gateway", ""); err != nil || status != http.StatusNoContent {
			t.Errorf("%s: DELETE: %d %s %v", name, status, answer, err)
		}
		d.install(agent)
	}
	pid := d.pid
	d.upgrade()
	if d.pid == pid {
		t.Error("in the end it is not upgraded")
	}
	adverts := wire.of(51)[begun:]
	for _, a := range adverts {
		if a.source != netip.MustParseAddr("192.0.2.11") || a.priority != 200 {
			t.Errorf("an advert of %s with priority %d", a.source, a.priority)
		}
	}
	t.Logf("%d adverts, at most %s apart", len(adverts), longestGap(adverts))
	if log := k.Log(); strings.Contains(log, "Entering MASTER STATE") {
		t.Errorf("keepalived took over:\n%s", log)
	}
}
