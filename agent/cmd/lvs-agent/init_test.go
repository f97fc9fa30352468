package main

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

// command runs lvs-agent with these words.
func command(t *testing.T, words ...string) (output string, err error) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(words)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// serve runs the agent of a folder that init made, on the memory data plane and a free port, and returns its endpoint.
func serve(t *testing.T, dir string) string {
	t.Helper()
	c, err := config.Load(filepath.Join(dir, "agent.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	c.Dataplane, c.Listen = config.DataplaneMemory, strings.Replace(c.Listen, ":8443", ":0", 1)
	a, err := agent.New(c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "https://" + a.Address().String()
}

func TestInitMakesTwoDirectorsThatTheSameClientMayWriteTo(t *testing.T) {
	t.Parallel()
	first, second := filepath.Join(t.TempDir(), "d1"), filepath.Join(t.TempDir(), "d2")
	printed, err := command(t, "init", "--dir", first, "--name", "d1", "--address", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`d1 = { endpoint = "https://127.0.0.1:8443" }`, `client_cert_file = "` + filepath.Join(first, "client.pem") + `"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %s in\n%s", want, printed)
		}
	}
	printed, err = command(t, "init", "--dir", second, "--name", "d2", "--address", "127.0.0.1", "--join", first)
	if err != nil {
		t.Fatal(err)
	}
	if want := `d2 = { endpoint = "https://127.0.0.1:8443" }`; !strings.Contains(printed, want) {
		t.Errorf("no %s in\n%s", want, printed)
	}

	token := strings.TrimSpace(string(read(t, first, "token")))
	if strings.Contains(printed, token) {
		t.Error("the token is printed")
	}
	for _, endpoint := range []string{serve(t, first), serve(t, second)} {
		ca := read(t, first, "ca.pem")
		for name, c := range map[string]client.Config{
			"token":       {Token: token, CACert: ca},
			"certificate": {ClientCert: read(t, first, "client.pem"), ClientKey: read(t, first, "client-key.pem"), CACert: ca},
		} {
			c.Name, c.Endpoint = name, endpoint
			director, err := client.New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := director.VRRPInstances().Delete(t.Context(), "none", client.DeleteOptions{}); err != nil { // a write that changes nothing
				t.Errorf("with the %s: %v", name, err)
			}
		}
		stranger, err := client.New(client.Config{Endpoint: endpoint, CACert: ca})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stranger.Status(t.Context()); !client.IsStatus(err, 401) {
			t.Errorf("without either: %v", err)
		}
	}

	for _, dir := range []string{first, second} {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, _ error) error {
			info, err := entry.Info()
			if path == dir {
				return nil // scripts are below it, which run as another user
			}
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is mode %v, %v: others can read it", path, info.Mode(), err)
			}
			return nil
		})
	}
	if _, err := os.Stat(filepath.Join(second, "ca-key.pem")); err == nil {
		t.Error("the second director got the key of the CA")
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server-key.pem"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "init", "--dir", dir, "--name", "d1", "--address", "192.0.2.11"); err == nil || !strings.Contains(err.Error(), "server-key.pem is there already") {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || string(read(t, dir, "server-key.pem")) != "mine" {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		words []string
		want  string
	}{
		"no folder":              {nil, `"dir" not set`},
		"a name":                 {[]string{"--dir", t.TempDir(), "--name", "d 1"}, "is no host name"},
		"an address":             {[]string{"--dir", t.TempDir(), "--name", "d1", "--address", "d1.example"}, "write 192.0.2.11"},
		"every address":          {[]string{"--dir", t.TempDir(), "--name", "d1", "--address", "0.0.0.0:8443"}, "write 192.0.2.11"},
		"a cluster that is none": {[]string{"--dir", t.TempDir(), "--name", "d1", "--address", "192.0.2.11", "--join", t.TempDir()}, "read the CA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := command(t, append([]string{"init"}, tt.words...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
