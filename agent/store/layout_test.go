package store

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// older makes a file of the first layout.
func older(t *testing.T, path string) spec.Desired {
	t.Helper()
	s := open(t, path)
	d, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.change(func(w *writer) error { return w.putNumber(keySchema, 1) }); err != nil {
		t.Fatal(err)
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tx.Bucket(bucketMeta).Delete(keyChecksum), tx.Commit(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAFileOfTheFirstLayoutIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	want := older(t, path)
	for range 2 { // the second time it has a checksum that is looked at
		s := open(t, path)
		if diff := cmp.Diff(want, s.Desired(), compareAddresses); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	if err := LedgerOf[string](s, "services").Record("web"); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("no")
	spoil := func(w *writer) error { return w.put(bucketLedger, []byte("services"), []byte("[]")) }
	err := migrate(s.db, append(migrations(), spoil, func(*writer) error { return refusal }))
	if !errors.Is(err, refusal) {
		t.Fatalf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := LedgerOf[string](open(t, path), "services").Entries(); err != nil || !cmp.Equal(got, []string{"web"}) {
		t.Errorf("ledger %v, %v", got, err)
	}
}

func TestOpeningWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	stats := s.db.Stats()
	if got := stats.TxStats.GetWrite(); got != 0 {
		t.Errorf("%d writes: an agent could not start on a full disk", got)
	}
}
