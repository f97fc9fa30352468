package check

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
)

// scriptNetwork returns a network with a shell script of that body in its folder, and the script's path.
func scriptNetwork(t *testing.T, body string) (n Network, path string) {
	t.Helper()
	dir := t.TempDir()
	for _, above := range []string{dir, filepath.Dir(dir)} { // a script may run as another user than the test
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return Network{Sandbox: sandbox.New(dir, "nobody")}, path
}

// Not parallel, like all tests here that write a program and run it: between fork and exec a child of
// one test would hold the other's program open for writing, which cannot be executed then.
func TestScriptResults(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string
		timeout time.Duration
		want    string
	}{
		"passes": {"exit 0", patience, "passed"},
		"fails":  {"echo no database; exit 3", patience, "exit status 3: no database"},
		"hangs":  {"sleep 60", brief, "not done within 100ms, and killed"},
	} {
		t.Run(name, func(t *testing.T) {
			n, path := scriptNetwork(t, tt.body)
			ctx, cancel := withTimeout(t.Context(), tt.timeout)
			defer cancel()
			if diff := cmp.Diff(tt.want, text(n.Script(ctx, []string{path}))); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScriptOfAServerIsToldWhichOne(t *testing.T) {
	n, path := scriptNetwork(t, `echo "$LVS_VIRTUAL_SERVER $LVS_SERVER_ADDRESS $LVS_SERVER_PORT"; exit 1`)
	for server, want := range map[string]string{
		"192.0.2.21:80":     "exit status 1: web 192.0.2.21 80",
		"[2001:db8::1]:443": "exit status 1: web 2001:db8::1 443",
	} {
		ctx, cancel := withTimeout(t.Context(), patience)
		defer cancel()
		got := text(n.Server(ctx, ServerCheck{Server: key(server), Script: &ServerScript{Name: "env", Command: []string{path}}}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reason (-want +got):\n%s", diff)
		}
	}
}
