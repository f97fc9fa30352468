package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestStoreIsLentAndTakenBackAsItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	want, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	ledger := LedgerOf[string](s, "things")
	if err := ledger.Record("a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Lend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(give(spec.Change{Kind: spec.KindCheckScript, Key: "gateway"})); !errors.Is(err, ErrLent) {
		t.Errorf("a change of a state that is lent: %v", err)
	}
	if err := ledger.Record("b"); !errors.Is(err, ErrLent) {
		t.Errorf("an entry in a ledger that is lent: %v", err)
	}
	if diff := cmp.Diff(want, s.Desired(), compareAddresses); diff != "" {
		t.Errorf("what is wanted (-want +got):\n%s", diff)
	}

	other := open(t, path) // another process could
	if _, err := other.Update(give(spec.Change{Kind: spec.KindCheckScript, Key: "gateway"})); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.TakeBack(); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Record("b"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, open(t, path).Desired(), compareAddresses); diff != "" {
		t.Errorf("what the file says after it was taken back (-want +got):\n%s", diff)
	}
}

func TestStoreThatIsGivenAwayLeavesNoCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	s := open(t, path)
	want, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Lend(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, open(t, path).Desired(), compareAddresses); diff != "" {
		t.Errorf("what the next one finds (-want +got):\n%s", diff)
	}
	if err := s.GiveAway(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}
