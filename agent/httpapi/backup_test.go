package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestBackupIsTheWholeState(t *testing.T) {
	t.Parallel()
	kept, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	f := &fixture{fakeDirector: &fakeDirector{store: kept}, store: kept}
	f.handler = held(t, Config{Store: kept, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler)})
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	if body := f.want(t, http.StatusOK, "GET", backupPath, ""); !strings.Contains(body, `"address":"192.0.2.100"`) {
		t.Errorf("%d bytes without the virtual server", len(body))
	}
}

// full is a store without room.
type full struct{ *store.Store }

func (full) Update(func(spec.Desired) ([]spec.Change, error)) (spec.Desired, error) {
	return spec.Desired{}, fmt.Errorf("store the change: %w", &store.FullError{Path: "state.db", Err: syscall.ENOSPC})
}

func TestAFullDiskIsSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handler = held(t, Config{Store: full{f.store}, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler)})
	if body := f.want(t, http.StatusInsufficientStorage, "PUT", servicePath, service); !strings.Contains(body, "make some and try again") {
		t.Errorf("answered %s", body)
	}
	if f.applied.Load() != 0 {
		t.Error("what is not stored was applied")
	}
}
