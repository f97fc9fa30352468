package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

// damaged returns an agent in whose state folder something else stands. Its data plane is in memory: a degraded agent
// must not touch any.
func damaged(t *testing.T) *Agent {
	t.Helper()
	c := memoryConfig(t)
	c.Dataplane, c.StateDir = config.DataplaneKernel, t.TempDir()
	if err := os.WriteFile(statePath(c), []byte("none of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &Agent{config: c, version: "test", log: slog.New(slog.DiscardHandler)}
	if err := a.openState(); err != nil {
		t.Fatal(err)
	}
	plane := c
	plane.Dataplane = config.DataplaneMemory
	var err error
	if a.plane, err = openDataplane(plane, a.store, a.log); err != nil {
		t.Fatal(err)
	}
	a.openEvents()
	a.assemble()
	if err := a.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // some tests run it, which closes it
	return a
}

func TestADegradedDirectorSaysSoAndRefusesAllThatIsAboutItsState(t *testing.T) {
	t.Parallel()
	a := damaged(t)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(t.Context()) }()
	get := func(method, path string) (int, string) {
		request, err := http.NewRequestWithContext(context.Background(), method, "http://"+a.Address().String()+path, strings.NewReader(service))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	for _, tt := range []struct {
		method, path string
		status       int
		words        string
	}{
		{"GET", "/livez", 200, "ok"},
		{"GET", "/readyz", 503, "degraded: "},
		{"GET", "/v1/status", 200, `"degraded":"`},
		{"GET", "/v1/openapi.json", 200, "3.1.0"},
		{"GET", "/metrics", 200, "lvs_agent_info"},
		{"GET", "/v1/snapshot", 503, "lvs-agent restore --from BACKUP"},
		{"GET", "/v1/virtual-servers/web", 503, "is damaged"},
		{"PUT", "/v1/virtual-servers/web", 503, "is damaged"},
		{"PUT", "/v1/virtual-servers/web?dry_run=true", 503, "is damaged"},
		{"DELETE", "/v1/virtual-servers/web", 503, "is damaged"},
		{"GET", "/v1/backup", 503, "is damaged"},
	} {
		if status, body := get(tt.method, tt.path); status != tt.status || !strings.Contains(body, tt.words) {
			t.Errorf("%s %s answered %d %s, want %d with %q", tt.method, tt.path, status, body, tt.status, tt.words)
		}
	}

	if _, err := BeginAnew(a.config); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrRestored) {
		t.Errorf("after its state was restored the agent ended with %v", err)
	}
}

func TestADegradedDirectorIsStillSoAfterARestart(t *testing.T) {
	t.Parallel()
	c := damaged(t).config
	again := &Agent{config: c, log: slog.New(slog.DiscardHandler)}
	if err := again.openState(); err != nil {
		t.Fatal(err)
	}
	if err := again.store.Degraded(); !errors.As(err, new(*store.DamagedError)) {
		t.Errorf("the state is %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.StateDir, stateFile)); err == nil {
		t.Error("an empty state was begun")
	}
}
