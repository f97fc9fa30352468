package store

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// filled returns the bytes of a file with all kinds of objects and a ledger in it, and its state.
func filled(t testing.TB, servers int) ([]byte, spec.Desired) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all := changes()
	for n := range servers {
		all = append(all, spec.Change{Kind: spec.KindRealServer, Key: "web/192.0.2.1:" + strconv.Itoa(n+1), Value: spec.RealServer{Weight: n}})
	}
	if _, err := s.Update(give(all...)); err != nil {
		t.Fatal(err)
	}
	if err := LedgerOf[string](s, "addresses").Record("192.0.2.100"); err != nil {
		t.Fatal(err)
	}
	d := s.Desired()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, d
}

// openBytes opens a file with that content.
func openBytes(t testing.TB, data []byte) (spec.Desired, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		return spec.Desired{}, err
	}
	return s.Desired(), s.Close()
}

func TestWhatIsNotWhatWasWrittenIsDamaged(t *testing.T) {
	t.Parallel()
	data, _ := filled(t, 300)
	for name, damage := range map[string]func([]byte) []byte{
		"empty":              func([]byte) []byte { return nil },
		"another file":       func([]byte) []byte { return []byte("something else, and longer than a page is wide") },
		"cut to a page":      func(b []byte) []byte { return b[:os.Getpagesize()] },
		"cut in half":        func(b []byte) []byte { return b[:len(b)/2] },
		"zeros at the end":   func(b []byte) []byte { clear(b[3*os.Getpagesize():]); return b },
		"nothing but zeros":  func(b []byte) []byte { clear(b); return b },
		"another weight":     func(b []byte) []byte { return replaceAll(b, `"weight":77`, `"weight":78`) },
		"another name":       func(b []byte) []byte { return replaceAll(b, `web/192.0.2.1:222`, `web/192.0.2.1:223`) },
		"a lost kind":        func(b []byte) []byte { return replaceAll(b, string(spec.KindCheckScript), "Check_script") },
		"a changed revision": func(b []byte) []byte { return replaceAll(b, "revision1", "revision2") },
		"a changed ledger":   func(b []byte) []byte { return replaceAll(b, `["192.0.2.100"]`, `["192.0.2.101"]`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := openBytes(t, damage(append([]byte(nil), data...))); !errors.As(err, new(*DamagedError)) {
				t.Errorf("error %v, want that it is damaged", err)
			}
		})
	}
}

func replaceAll(b []byte, from, to string) []byte {
	if len(from) != len(to) {
		panic("bytes would move")
	}
	for i := 0; i+len(from) <= len(b); i++ {
		if string(b[i:i+len(from)]) == from {
			copy(b[i:], to)
		}
	}
	return b
}

func TestADamagedFileIsKeptUntilAnotherTakesItsPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, []byte("none of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok {
		t.Fatal(err)
	}
	if err := damaged.SetAside(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(damaged.Aside); err != nil || string(kept) != "none of ours" {
		t.Errorf("kept %q, %v", kept, err)
	}
	for range 2 { // an agent that restarts must not begin anew
		if _, err := Open(path); !errors.As(err, new(*DamagedError)) {
			t.Errorf("error %v, want that it is damaged", err)
		}
	}
	if before, err := BeginAnew(path); err != nil || before != damaged.Aside {
		t.Errorf("restored with %q kept, %v; want %q", before, err, damaged.Aside)
	}
	if d := open(t, path).Desired(); d.Revision != 0 {
		t.Errorf("revision %d, want an empty state", d.Revision)
	}
}

// Whatever byte is another one, the state is the whole one, or the file is refused.
func TestNoByteOfTheFileChangesTheStateUnnoticed(t *testing.T) {
	t.Parallel()
	data, want := filled(t, 300)
	random := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for range 300 {
		at, flip := random.IntN(len(data)), byte(1+random.IntN(255))
		damaged := append([]byte(nil), data...)
		damaged[at] ^= flip
		got, err := openBytes(t, damaged)
		if err != nil {
			noticed++
			continue
		}
		if !reflect.DeepEqual(want, got) { // cmp is slow with maps
			t.Fatalf("byte %d ^ %#x (-want +got):\n%s", at, flip, cmp.Diff(want, got, compareAddresses))
		}
	}
	if noticed == 0 {
		t.Error("none of 300 was noticed")
	}
}

func FuzzOpenOfADamagedFile(f *testing.F) {
	data, want := filled(f, 100)
	f.Add(uint(0), byte(1))
	f.Add(uint(5000), byte(0x80))
	f.Fuzz(func(t *testing.T, at uint, flip byte) {
		damaged := append([]byte(nil), data...)
		damaged[at%uint(len(data))] ^= flip
		got, err := openBytes(t, damaged)
		if err == nil && !reflect.DeepEqual(want, got) {
			t.Errorf("byte %d ^ %#x: another state", at%uint(len(data)), flip)
		}
	})
}
