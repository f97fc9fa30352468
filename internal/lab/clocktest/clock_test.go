// Package clocktest steps the wall clock under running agents. That clock is a whole machine's, so the tests run in a
// guest, which has its own.
package clocktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// agentVariable names the built lvs-agent to the run inside the guest.
const agentVariable = "LVS_CLOCKTEST_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(agentVariable) == "" {
		if err := build(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	lab.Main(m, lab.NeedRoot, lab.NeedOwnClock)
}

// build makes the agent out here: a compiler inside the guest would take minutes.
func build() error {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return err
	}
	agent := filepath.Join(root, "bin", "clocktest", "lvs-agent")
	cmd := exec.Command("go", "build", "-o", agent, "./agent/cmd/lvs-agent")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the agent: %w\n%s", err, output)
	}
	return os.Setenv(agentVariable, agent)
}

var vip = netip.MustParsePrefix("192.0.2.100/24")

// An agent that read the wall clock would have overslept when it goes forward, and be silent for an hour when it goes
// back.
func TestAgents_74_AStepOfTheWallClockChangesNothing(t *testing.T) {
	network := lab.Start(t)
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	directors := map[int]*lab.Director{} // by priority
	for priority, own := range map[int]string{150: "192.0.2.11", 100: "192.0.2.12"} {
		host := network.Host(t, fmt.Sprint("p", priority), own+"/24")
		agent := lab.Agent{Binary: os.Getenv(agentVariable), Dir: dir, CA: ca, Token: "secret"}
		d, err := agent.Install(host, netip.MustParseAddr(own))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Kill(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("log of %s:\n%s", host.Name(), d.Log())
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := d.Start(ctx); err != nil {
			t.Fatal(err)
		}
		call(t, d, http.MethodPut, "/v1/vrrp-instances/web", fmt.Sprintf(
			`{"virtual_router_id":51,"interface":"eth0","priority":%d,"virtual_addresses":[%q]}`, priority, vip))
		directors[priority] = d
	}
	d1, d2 := directors[150], directors[100]
	eventually(t, "d1 has the address alone", func() bool { return holds(t, d1) && !holds(t, d2) })
	before := map[*lab.Director]spec.VRRPInstanceStatus{d1: status(t, d1), d2: status(t, d2)}

	for _, step := range []time.Duration{time.Hour, -2 * time.Hour} { // an hour ahead, then an hour late
		stepClock(t, step)
		sent := status(t, d1).AdvertsSent
		// More than a backup waits for.
		eventually(t, fmt.Sprintf("six adverts were sent after a step of %s", step), func() bool {
			if !holds(t, d1) || holds(t, d2) {
				t.Fatalf("after a step of %s the address is on d1: %t, on d2: %t", step, holds(t, d1), holds(t, d2))
			}
			return status(t, d1).AdvertsSent >= sent+6
		})
	}
	for d, was := range before {
		if is := status(t, d); is.State != was.State || is.BecameActive != was.BecameActive {
			t.Errorf("%s was %+v, and is %+v", d.Host.Name(), was, is)
		}
	}
	// Nor does anybody wait for an hour to pass again.
	if err := d1.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d2 took over", func() bool { return holds(t, d2) })
}

// stepClock moves this machine's wall clock, and moves it back at the end.
func stepClock(t *testing.T, by time.Duration) {
	t.Helper()
	step := func(by time.Duration) error {
		to := unix.NsecToTimeval(time.Now().Add(by).UnixNano())
		return unix.Settimeofday(&to)
	}
	if err := step(by); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := step(-by); err != nil {
			t.Error(err)
		}
	})
}

// patience is how long a test waits, by the monotonic clock, for what should come at once.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func holds(t *testing.T, d *lab.Director) bool {
	t.Helper()
	addresses, err := d.Host.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(addresses, vip)
}

func call(t *testing.T, d *lab.Director, method, path, body string) (answer string) {
	t.Helper()
	status, answer, err := d.Call(t.Context(), method, path, body)
	if err != nil || status >= http.StatusMultipleChoices {
		t.Fatalf("%s: %s %s answered %d: %s, %v", d.Host.Name(), method, path, status, answer, err)
	}
	return answer
}

func status(t *testing.T, d *lab.Director) spec.VRRPInstanceStatus {
	t.Helper()
	var all struct {
		VRRPInstances map[string]spec.VRRPInstanceStatus `json:"vrrp_instances"`
	}
	answer := call(t, d, http.MethodGet, "/v1/status", "")
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		t.Fatal(err)
	}
	s, ok := all.VRRPInstances["web"]
	if !ok {
		t.Fatalf("no status of the instance in %s", answer)
	}
	return s
}
