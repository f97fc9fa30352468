package check

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
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
	programs := sandbox.New(sandbox.Config{Directory: dir, User: "nobody", Limits: sandbox.Limits{CPUTime: spec.Duration(time.Minute), Memory: 1 << 30, Processes: 10_000}})
	t.Cleanup(func() {
		if err := programs.Close(); err != nil {
			t.Error(err)
		}
	})
	return Network{Sandbox: programs}, path
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
			if diff := cmp.Diff(tt.want, text(n.Script(ctx, spec.CheckScript{Command: []string{path}}))); diff != "" {
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

func TestScriptSaysTheWeight(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		dynamic bool
		want    error
	}{
		"its own":              {0, true, nil},
		"none":                 {2, true, Weight(0)},
		"some":                 {12, true, Weight(10)},
		"the most":             {255, true, Weight(253)},
		"a failure":            {1, true, errors.New("exit status 1")},
		"nothing, if not told": {12, false, errors.New("exit status 12")},
	} {
		t.Run(name, func(t *testing.T) {
			n, path := scriptNetwork(t, fmt.Sprintf("exit %d", tt.status))
			ctx, cancel := withTimeout(t.Context(), patience)
			defer cancel()
			check := ServerCheck{Server: key("192.0.2.21:80"), Script: &ServerScript{Name: "load", Command: []string{path}, DynamicWeight: tt.dynamic}}
			if diff := cmp.Diff(text(tt.want), text(n.Server(ctx, check))); diff != "" {
				t.Errorf("alone (-want +got):\n%s", diff)
			}
			check.TCP = &spec.TCPCheck{}
			check.Server = key(closedPort(t))
			want := "tcp: connection refused"
			if _, weight := errors.AsType[Weight](tt.want); !weight && tt.want != nil {
				want += "; script: " + tt.want.Error()
			}
			if diff := cmp.Diff(want, text(n.Server(ctx, check))); diff != "" {
				t.Errorf("beside a check that fails (-want +got):\n%s", diff)
			}
		})
	}
}
