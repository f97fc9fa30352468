// Package machinetest changes what belongs to a whole machine under running agents: its wall clock, its kernel's
// modules. So the tests run in a guest, which is nobody else's.
package machinetest

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) {
	if err := lab.BuildPrograms("../../..", "machinetest"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lab.Main(m, lab.NeedRoot, lab.NeedOwnMachine)
}

// newAgent returns what the agents of a test have in common.
func newAgent(t *testing.T) lab.Agent {
	t.Helper()
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	return lab.Agent{Binary: lab.Program("lvs-agent"), Dir: dir, CA: ca, Token: "secret"}
}

// start starts an agent on a host that has the address.
func start(t *testing.T, agent lab.Agent, host *lab.Host, address netip.Addr) *lab.Director {
	t.Helper()
	d, err := agent.Install(host, address)
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
	return d
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

func call(t *testing.T, d *lab.Director, method, path, body string) (answer string) {
	t.Helper()
	status, answer, err := d.Call(t.Context(), method, path, body)
	if err != nil || status >= http.StatusMultipleChoices {
		t.Fatalf("%s: %s %s answered %d: %s, %v", d.Host.Name(), method, path, status, answer, err)
	}
	return answer
}
