// Package crashtest ends the agent where it hurts, and takes its disk away: a write that was acknowledged is there
// afterwards, any other as a whole or not at all, and the kernel has what the disk says.
package crashtest

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) {
	if err := lab.BuildPrograms("../../..", "crashtest", "-tags", "failpoints"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm)
}

// patience is how long a test waits for what should come at once. It is not a measure of anything.
const patience = 30 * time.Second

// install makes a director whose files are in dir.
func install(t *testing.T, dir string) *lab.Director {
	t.Helper()
	return installWith(t, dir, "")
}

// installWith is install with options in the agent's file.
func installWith(t *testing.T, dir, options string) *lab.Director {
	t.Helper()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	host := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	d, err := lab.Agent{Binary: lab.Program("lvs-agent"), Dir: dir, CA: ca, Token: "secret", Options: options}.Install(host, netip.MustParseAddr("192.0.2.11"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Kill(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func start(t *testing.T, d *lab.Director) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}
