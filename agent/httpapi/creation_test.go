package httpapi

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

func TestARepeatedCreateIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	start := func() (*fixture, func()) {
		kept, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{fakeDirector: &fakeDirector{store: kept}, store: kept}
		f.handler = held(t, Config{Store: kept, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler)})
		return f, func() {
			if err := kept.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	f, stop := start()
	f.want(t, http.StatusCreated, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k1")
	f.want(t, http.StatusCreated, "PUT", serverURL, server, "If-None-Match", "*", "Idempotency-Key", "k2")
	stop()

	f, stop = start()
	defer stop()
	f.want(t, http.StatusOK, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k1")
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k2")
	f.want(t, http.StatusOK, "PUT", serverURL, server, "If-None-Match", "*", "Idempotency-Key", "k2")
	// What was deleted and made again is another one.
	f.want(t, http.StatusNoContent, "DELETE", servicePath+"?cascade=true", "")
	if left := f.store.Desired().Creations; len(left) != 0 {
		t.Errorf("of what was deleted it is still known who made it: %v", left)
	}
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k1")
}

func TestAnIdempotencyKeyThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, key := range []string{strings.Repeat("k", 256), "k\xff", "kä", "k\tk"} {
		if answer := f.want(t, http.StatusBadRequest, "PUT", servicePath, service, "Idempotency-Key", key); !strings.Contains(answer, "such as a UUID") {
			t.Errorf("answered %s", answer)
		}
	}
	if f.store.Desired().Revision != 0 {
		t.Error("something was stored")
	}
}
