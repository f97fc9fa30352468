package endtoend

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

const writes = "lvs_ipvs_writes_total"

func TestBackupTakesOverAfterKillAndCut(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	want := table(t, p.d2)
	probe := p.client.NewProbe(netip.AddrPortFrom(vip.Addr(), 80), 10*time.Millisecond)
	probing, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- probe.Run(probing) }()
	waitForAnswers(t, probe)
	probe.Reset()

	if err := p.d1.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.d1.Host.Cut(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d2 holds the VIP", func() bool { return holds(t, p.d2) })
	waitForAnswers(t, probe)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, table(t, p.d2)); diff != "" {
		t.Errorf("d2's table changed (-before +after):\n%s", diff)
	}
	// 3 × 200 ms + 156/256 × 200 ms = 722 ms; the bound is there to see a takeover that never was one.
	if gap := probe.Gap(); gap > 5*time.Second {
		t.Errorf("the client was not served for %s", gap)
	}
	t.Logf("largest gap %s, theoretical Active_Down_Interval 722ms", probe.Gap())

	start(t, p.d1)
	if err := p.d1.Host.Restore(); err != nil {
		t.Fatal(err)
	}
	p.wantHolder(t, p.d1, p.d2)
}

func TestRestartAfterKillChangesNothing(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	_, specs := call(t, p.d1, http.MethodGet, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", "")
	before := table(t, p.d1)
	if err := p.d1.Kill(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, table(t, p.d1)); diff != "" {
		t.Errorf("the crash changed the table (-before +after):\n%s", diff)
	}
	start(t, p.d1)
	p.wantHolder(t, p.d1, p.d2)
	wantTable(t, p.d1, 1, 3)
	if got := metric(t, p.d1, writes); got != "0" {
		t.Errorf("%s writes to the kernel's table after the restart, want 0", got)
	}
	if _, after := call(t, p.d1, http.MethodGet, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", ""); !strings.HasPrefix(after, `{"spec":{"weight":3}`) {
		t.Errorf("after the restart %s, before %s", after, specs)
	}
}

func TestStopHandsOverAtOnceAndLeavesTheTable(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	if err := p.d1.Stop(); err != nil {
		t.Fatal(err)
	}
	p.wantHolder(t, p.d2, p.d1)
	wantTable(t, p.d1, 1, 3)
}

func TestUnhealthyServerGetsWeightZeroAndComesBack(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	p.rs[1].stop()
	for _, d := range []*lab.Director{p.d1, p.d2} {
		wantTable(t, d, 1, 0)
	}
	p.rs[1].start(t)
	for _, d := range []*lab.Director{p.d1, p.d2} {
		wantTable(t, d, 1, 3)
	}
}

func TestSecondPutOfTheSameWritesNothing(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	before := metric(t, p.d1, writes)
	put(t, p.d1, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{"weight":3}`)
	if after := metric(t, p.d1, writes); after != before {
		t.Errorf("%s went from %s to %s", writes, before, after)
	}
	put(t, p.d1, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{"weight":4}`)
	wantTable(t, p.d1, 1, 4)
	if after := metric(t, p.d1, writes); after == before {
		t.Errorf("%s stayed at %s over a change", writes, before)
	}
}

func TestForeignServicesAreLeftAlone(t *testing.T) {
	p := newPair(t)
	foreign := "-A -u 192.0.2.11:53 -s rr\n"
	if _, err := p.d1.Host.Output(t.Context(), "ipvsadm", "-A", "-u", "192.0.2.11:53", "-s", "rr"); err != nil {
		t.Fatal(err)
	}
	put(t, p.d1, "/v1/virtual-servers/web", `{"address":"192.0.2.100","port":80,"forwarding_method":"nat"}`)
	if status, answer := call(t, p.d1, http.MethodDelete, "/v1/virtual-servers/web", ""); status != http.StatusNoContent {
		t.Fatalf("DELETE answered %d: %s", status, answer)
	}
	if got := table(t, p.d1); got != foreign {
		t.Errorf("the table is\n%s, want\n%s", got, foreign)
	}
}

func TestDriftIsRepaired(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	if _, err := p.d1.Host.Output(t.Context(), "ipvsadm", "-e", "-t", "192.0.2.100:80", "-r", "192.0.2.22:80", "-g", "-w", "9"); err != nil {
		t.Fatal(err)
	}
	wantTable(t, p.d1, 1, 3)
	if got := metric(t, p.d1, `lvs_ipvs_drift_total{field="weight"}`); got != "1" {
		t.Errorf("drift of weight was counted %s times, want once", got)
	}
}

func TestTrackedScriptMovesTheRole(t *testing.T) {
	p := newPair(t)
	dir := t.TempDir()
	flag := filepath.Join(dir, "gateway-is-down")
	for _, d := range []*lab.Director{p.d1, p.d2} {
		// The flag is d1's: d2's script looks for a file that never is.
		path := map[bool]string{true: flag, false: flag + "-of-d2"}[d == p.d1]
		put(t, d, "/v1/check-scripts/gateway", fmt.Sprintf(`{"command":[%q,%q],"interval":"200ms","fall":1,"rise":1}`,
			p.script(t, "gateway", "#!/bin/sh\n[ ! -e \"$1\" ]\n"), path))
	}
	p.configure(t, `,"track_scripts":{"gateway":{"weight":-60}}`)
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.wantHolder(t, p.d2, p.d1)
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	p.wantHolder(t, p.d1, p.d2)
}

func TestTextOfAScriptRunsOnADirectorWithinItsLimits(t *testing.T) {
	p := newPair(t)
	for content, want := range map[string]string{
		"#!/bin/sh\n[ $(id -u) = 0 ]\n":                      `"passing":true`,
		"#!/usr/bin/awk -f\nBEGIN { print \"low\"; exit 3 }": `"reason":"exit status 3: low"`,
		"#!/bin/sh\nwhile :; do :; done\n":                   `"reason":"signal: CPU time limit exceeded (used more processor time than the 1s of scripts.cpu_time)"`,
	} {
		body := fmt.Sprintf(`{"content":%q,"interval":"20s"}`, content)
		if status, answer := call(t, p.d1, http.MethodPut, "/v1/check-scripts/text", body); status >= 300 {
			t.Fatal(status, answer)
		}
		eventually(t, "the script has run: "+content, func() bool {
			_, answer := call(t, p.d1, http.MethodGet, "/v1/check-scripts/text", "")
			return strings.Contains(answer, want)
		})
	}
}

func TestWhatThisMachineLacksIsRefused(t *testing.T) {
	p := newPair(t)
	loose := p.script(t, "loose", "#!/bin/sh\n")
	if err := os.Chmod(loose, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ path, body, want string }{
		"an interface that does not exist": {
			"/v1/vrrp-instances/web", `{"virtual_router_id":51,"interface":"eth9","virtual_addresses":["192.0.2.100/24"]}`,
			`"pointer":"/interface","detail":"eth9 does not exist`,
		},
		"an address that is the machine's own": {
			"/v1/vrrp-instances/web", `{"virtual_router_id":51,"interface":"eth0","virtual_addresses":["192.0.2.11/24"]}`,
			`"pointer":"/virtual_addresses/0"`,
		},
		"a script that does not exist": {
			"/v1/check-scripts/gateway", fmt.Sprintf(`{"command":[%q]}`, filepath.Join(filepath.Dir(loose), "nothing")),
			`"pointer":"/command/0"`,
		},
		"a script that others can write": {
			"/v1/check-scripts/gateway", fmt.Sprintf(`{"command":[%q]}`, loose), `"pointer":"/command/0"`,
		},
		"a script outside the folder": {
			"/v1/check-scripts/gateway", `{"command":["/bin/true"]}`, `"pointer":"/command/0"`,
		},
	} {
		for _, query := range []string{"", "?dry_run=true"} {
			if status, answer := call(t, p.d1, http.MethodPut, tt.path+query, tt.body); status != http.StatusUnprocessableEntity || !strings.Contains(answer, tt.want) {
				t.Errorf("%s (%s): answered %d %s, want 422 with %s", name, query, status, answer, tt.want)
			}
		}
	}
	if _, answer := call(t, p.d1, http.MethodGet, "/v1/snapshot", ""); !strings.Contains(answer, `"revision":0`) {
		t.Errorf("something was stored: %s", answer)
	}
}

func TestWrongTokenIsRefused(t *testing.T) {
	p := newPair(t)
	status, answer, err := p.d1.CallAs(t.Context(), "wrong", http.MethodGet, "/v1/status", "")
	if err != nil || status != http.StatusUnauthorized {
		t.Errorf("a wrong token was answered %d: %s (%v)", status, answer, err)
	}
}

// script writes an executable into the folder that both directors run scripts from.
func (p *pair) script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(p.scripts, name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func waitForAnswers(t *testing.T, probe *lab.Probe) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := probe.WaitForAnswers(ctx, 5); err != nil {
		t.Fatal(err)
	}
}
