package crashtest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Programs of an agent that was killed do not outlive it, daemons among them, and what its hooks were still to be told
// the next one tells them, in order.
func TestAKilledAgentLeavesNoProgramAndItsHooksAreToldByTheNext(t *testing.T) {
	scripts := t.TempDir()
	for _, dir := range []string{scripts, filepath.Dir(scripts)} {
		if err := os.Chmod(dir, 0o755); err != nil { // scripts run as another user
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(scripts, name) }
	write := func(name, body string) string {
		if err := os.WriteFile(in(name), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	if err := os.WriteFile(in("told"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(in("told"), 0o666); err != nil { // whatever the umask
		t.Fatal(err)
	}
	hook := write("hook", fmt.Sprintf("while [ ! -e %s ]; do sleep 0.1; done\necho $LVS_REVISION >>%s\n", in("go"), in("told")))
	up := write("up", fmt.Sprintf("[ ! -e %s ]\n", in("down")))
	daemon := write("daemon", "sh -c 'setsid sleep 4242 &'\nsleep 4243\n")

	d := installWith(t, t.TempDir(), fmt.Sprintf("scripts {\n  directory = %q\n  user = \"nobody\"\n}\n", scripts))
	start(t, d)
	put := func(path, body string) {
		t.Helper()
		if status, answer := call(t, d, http.MethodPut, path, body); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	put("/v1/check-scripts/daemon", fmt.Sprintf(`{"command":[%q],"interval":"1h"}`, daemon))
	put("/v1/check-scripts/up", fmt.Sprintf(`{"command":[%q],"interval":"100ms"}`, up))
	put("/v1/vrrp-instances/web", fmt.Sprintf(`{"virtual_router_id":51,"interface":"eth0","advertisement_interval":"20ms","virtual_addresses":["192.0.2.100/24"],
		"track_scripts":{"up":{}},"notify":{"log":{"command":[%q],"timeout":"5m"}}}`, hook))
	for n := range 3 { // each time active, then fault
		await(t, "the instance is active", func() bool { return state(t, d) == spec.InstanceActive })
		if err := os.WriteFile(in("down"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		await(t, "the instance has failed", func() bool { return state(t, d) == spec.InstanceFault })
		await(t, "its hook is to be told", func() bool { return waits(t, d) >= 2*n+2 })
		if err := os.Remove(in("down")); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "all programs run", func() bool { return running("sleep\x004242") && running("sleep\x004243") && running(hook) })
	waiting := waits(t, d)

	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "no program is left", func() bool { return !running("sleep\x004242") && !running("sleep\x004243") && !running(hook) })
	start(t, d)
	if err := os.WriteFile(in("go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, fmt.Sprintf("the hook was told the %d that waited", waiting), func() bool { return len(told(t, in("told"))) >= waiting })
	for i, revisions := 1, told(t, in("told")); i < len(revisions); i++ {
		if revisions[i] <= revisions[i-1] {
			t.Errorf("the hook was told of the revisions %v", revisions)
		}
	}
}

func status(t *testing.T, d *lab.Director) spec.Status {
	t.Helper()
	_, answer := call(t, d, http.MethodGet, "/v1/status", "")
	var s spec.Status
	if err := spec.DecodeAnswer(strings.NewReader(answer), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// waits returns how many notifications the hook is still to be told.
func waits(t *testing.T, d *lab.Director) int {
	t.Helper()
	return status(t, d).Hooks[spec.HookID{Kind: spec.KindVRRPInstance, Object: "web", Name: "log"}.String()].Waiting
}

func state(t *testing.T, d *lab.Director) spec.InstanceState {
	t.Helper()
	return status(t, d).VRRPInstances["web"].State
}

// running reports whether there is a process with that in its command line, whose words NUL ends.
func running(words string) bool {
	processes, _ := os.ReadDir("/proc")
	for _, p := range processes {
		if line, err := os.ReadFile("/proc/" + p.Name() + "/cmdline"); err == nil && strings.Contains(string(line), words) {
			return true
		}
	}
	return false
}

// told returns the revisions that the hook has written down.
func told(t *testing.T, path string) (revisions []int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		revision, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		revisions = append(revisions, revision)
	}
	return revisions
}
