package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// An unset variable in somebody's script must not cost the state.
func TestOnlyWhoSaysEmptyBeginsWithoutAnyState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, state := filepath.Join(dir, "agent.hcl"), filepath.Join(dir, "state.db")
	if err := os.WriteFile(file, []byte("state_dir = \""+dir+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	revision := func() uint64 {
		s, err := store.Open(state)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		return s.Desired().Revision
	}
	s, err := store.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Update(func(spec.Desired) ([]spec.Change, error) {
		return []spec.Change{{Kind: spec.KindIPVSSettings, Key: spec.IPVSSettingsKey, Value: spec.IPVSSettings{}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"--from=", "--empty=false"} {
		if out, err := command(t, "restore", "--config", file, word); err == nil || !strings.Contains(err.Error(), "--from BACKUP") {
			t.Errorf("%s: %v, %s", word, err, out)
		}
		if got := revision(); got != 1 {
			t.Errorf("after %s the revision is %d, want that nothing was touched", word, got)
		}
	}
	if out, err := command(t, "restore", "--config", file, "--empty"); err != nil {
		t.Errorf("%v, %s", err, out)
	}
	if got := revision(); got != 0 {
		t.Errorf("after --empty the revision is %d", got)
	}
}
