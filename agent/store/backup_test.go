package store

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestABackupIsPutBackWithWhatIsInTheKernelSince(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	want, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginEvents(); err != nil {
		t.Fatal(err)
	}
	hooks := NotificationsOf(s)
	hook := spec.HookID{Kind: spec.KindVRRPInstance, Object: "web", Name: "all"}
	waits := func(revision uint64) map[spec.HookID][]spec.Notification {
		return map[spec.HookID][]spec.Notification{hook: {{Director: "d1", Event: spec.Event{Revision: revision}}}}
	}
	if err := hooks.Change(waits(1), nil); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	var copied bytes.Buffer
	if err := s.Backup(&copied); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := s.Update(give(spec.Change{Kind: spec.KindVirtualServer, Key: "web"})); err != nil {
		t.Fatal(err)
	}
	if err := LedgerOf[string](s, "services").Record("made since"); err != nil {
		t.Fatal(err)
	}
	if err := hooks.Change(waits(2), waits(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(path, backup); err == nil || !strings.Contains(err.Error(), "is an lvs-agent running already?") {
		t.Errorf("beside an agent that runs: %v", err)
	}
	events, err := s.BeginEvents()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	before, err := Restore(path, backup)
	if err != nil {
		t.Fatal(err)
	}
	if old := open(t, before).Desired(); old.Revision != want.Revision+1 {
		t.Errorf("what was there is not kept: revision %d", old.Revision)
	}
	s = open(t, path)
	if diff := cmp.Diff(want, s.Desired(), compareAddresses); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if got, err := LedgerOf[string](s, "services").Entries(); err != nil || !cmp.Equal(got, []string{"made since"}) {
		t.Errorf("ledger %v, %v", got, err)
	}
	if got, err := NotificationsOf(s).Notifications(); err != nil || !cmp.Equal(got, waits(2), compareAddresses) {
		t.Errorf("hooks are still to be told %v, %v; want what they were not told", got, err)
	}
	for range 2 {
		got, err := s.BeginEvents()
		if err != nil || got <= events {
			t.Errorf("events go on at %d, %v; some above %d were told", got, err, events)
		}
		events = got
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(path, backup); err != nil { // the same once more
			t.Fatal(err)
		}
		s = open(t, path)
	}
}

// An agent that found no file after a crash would begin anew.
func TestThereIsAStateAtEachMomentOfARestore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(watch) })
	if _, err := unix.InotifyAddWatch(watch, folder, unix.IN_MOVED_FROM|unix.IN_MOVED_TO|unix.IN_DELETE); err != nil {
		t.Fatal(err)
	}
	if _, err := BeginAnew(path); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<16)
	n, err := unix.Read(watch, buffer)
	if err != nil {
		t.Fatal(err)
	}
	came := false
	for event := buffer[:n]; len(event) > 0; {
		mask, length := binary.NativeEndian.Uint32(event[4:]), int(binary.NativeEndian.Uint32(event[12:]))
		name := string(bytes.TrimRight(event[unix.SizeofInotifyEvent:][:length], "\x00"))
		event = event[unix.SizeofInotifyEvent+length:]
		if name != "state.db" {
			continue
		}
		if mask&unix.IN_MOVED_TO != 0 {
			came = true
			continue
		}
		t.Errorf("it was away (%#x)", mask)
	}
	if !came {
		t.Error("no other took its place")
	}
}

// root restores what an agent works with that is another user.
func TestARestoredStateBelongsToWhomTheFolderDoes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	if os.Geteuid() == 0 { // anybody else has made both
		if err := os.Chown(folder, 12345, 12346); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // there was none, and there was one
		if _, err := BeginAnew(path); err != nil {
			t.Fatal(err)
		}
		owner := func(path string) [2]uint32 {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			stat := info.Sys().(*syscall.Stat_t)
			return [2]uint32{stat.Uid, stat.Gid}
		}
		if diff := cmp.Diff(owner(folder), owner(path)); diff != "" {
			t.Errorf("owner (-folder +state):\n%s", diff)
		}
	}
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	if _, err := s.Update(give(changes()...)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("none of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, backup := range []string{garbage, filepath.Join(t.TempDir(), "missing")} {
		if _, err := Restore(path, backup); err == nil {
			t.Errorf("%s was restored", backup)
		}
	}
	if got := open(t, path).Desired().Revision; got != 1 {
		t.Errorf("revision %d, want what was there", got)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNothingIsNoBackup(t *testing.T) {
	t.Parallel()
	if err := InMemory().Backup(new(bytes.Buffer)); err == nil {
		t.Error("a store that keeps nothing was backed up")
	}
}
