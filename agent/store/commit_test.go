package store

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func server(n int) spec.Change {
	return spec.Change{Kind: spec.KindRealServer, Key: "web/192.0.2.1:" + strconv.Itoa(n+1), Value: spec.RealServer{Weight: n}}
}

// blocked has the disk held until the returned function is called.
func blocked(t *testing.T, s *Store) (release func()) {
	t.Helper()
	tx, err := s.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// await waits until an update is on its way to the disk and so many wait behind it.
func (s *Store) await(behind int) {
	for there := false; !there; {
		s.mu.Lock()
		waiting := 0
		if s.next != nil {
			waiting = len(s.next.updates)
		}
		there = waiting == behind && s.pending.Revision == s.desired.Revision+1+uint64(behind)
		s.mu.Unlock()
	}
}

func TestManyWritersShareACommit(t *testing.T) {
	t.Parallel()
	const writers = 100
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	var told []uint64
	s.OnStored(func(d spec.Desired, _ []spec.Change) { told = append(told, d.Revision) })
	release := blocked(t, s)
	var all sync.WaitGroup
	write := func(n int) {
		all.Go(func() {
			if d, err := s.Update(give(server(n))); err != nil || d.RealServers == nil {
				t.Error(err)
			}
		})
	}
	write(0)
	s.await(0)
	for n := range writers {
		write(n + 1)
	}
	s.await(writers)
	if got := s.Desired().Revision; got != 0 {
		t.Errorf("revision %d is shown before it is on disk", got)
	}
	before := s.db.Stats()
	release()
	all.Wait()
	if got := s.Desired().Revision; got != writers+1 || len(told) != writers+1 || told[writers] != writers+1 {
		t.Errorf("revision %d, told %v", got, told)
	}
	after := s.db.Stats()
	if got := after.TxStats.GetWrite() - before.TxStats.GetWrite(); got > 40 {
		t.Errorf("%d pages written for %d updates: they do not share commits", got, writers)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d := open(t, path).Desired(); d.Revision != writers+1 || len(d.RealServers["web"]) != writers+1 {
		t.Errorf("after the restart: revision %d, %d servers", d.Revision, len(d.RealServers["web"]))
	}
}

// What was built on a change that could not be stored is not stored either, and whoever found nothing to change waits
// for what he saw.
func TestWhatWaitsForAFailedCommitFailsWithIt(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	s.db.MaxSize = 64 << 10
	var large []spec.Change
	for n := range 2000 {
		large = append(large, server(n))
	}
	release := blocked(t, s)
	errs := make(chan error, 3)
	update := func(changes ...spec.Change) {
		_, err := s.Update(give(changes...))
		errs <- err
	}
	go update(large...)
	s.await(0)
	go update(server(2001))
	s.await(1)
	decided := make(chan struct{})
	go func() {
		_, err := s.Update(func(spec.Desired) ([]spec.Change, error) { close(decided); return nil, nil })
		errs <- err
	}()
	<-decided
	release()
	for range 3 {
		if err := <-errs; err == nil {
			t.Error("stored")
		}
	}
	if d := s.Desired(); d.Revision != 0 || len(d.RealServers["web"]) != 0 {
		t.Errorf("revision %d with %d servers, want what was there", d.Revision, len(d.RealServers["web"]))
	}
	if d, err := s.Update(give(server(2))); err != nil || d.Revision != 1 || len(d.RealServers["web"]) != 1 {
		t.Errorf("afterwards: %v, revision %d with %d servers", err, d.Revision, len(d.RealServers["web"]))
	}
}
