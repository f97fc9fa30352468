package store

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// filled returns the bytes of a file with all kinds of objects and a ledger in it, its state, and the state before the
// change that was made last, which is what its other head leads to.
func filled(t testing.TB, servers int) (data []byte, now, before spec.Desired) {
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
	before = s.Desired()
	if now, err = s.Update(give(spec.Change{Kind: spec.KindCheckScript, Key: "gateway"})); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, now, before
}

// openBytes opens a file with that content.
func openBytes(t testing.TB, data []byte) (d spec.Desired, warnings []string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		return spec.Desired{}, nil, err
	}
	return s.Desired(), s.Warnings(), s.Close()
}

func TestWhatIsNotWhatWasWrittenIsDamaged(t *testing.T) {
	t.Parallel()
	data, _, _ := filled(t, 300)
	for name, damage := range map[string]func([]byte) []byte{
		"empty":              func([]byte) []byte { return nil },
		"another file":       func([]byte) []byte { return []byte("something else, and longer than a page is wide") },
		"cut to a page":      func(b []byte) []byte { return b[:os.Getpagesize()] },
		"cut in half":        func(b []byte) []byte { return b[:len(b)/2] },
		"zeros at the end":   func(b []byte) []byte { clear(b[3*os.Getpagesize():]); return b },
		"nothing but zeros":  func(b []byte) []byte { clear(b); return b },
		"another weight":     func(b []byte) []byte { return replaceAll(b, `"weight":77`, `"weight":78`) },
		"another name":       func(b []byte) []byte { return replaceAll(b, `web/192.0.2.1:222`, `web/192.0.2.1:223`) },
		"a lost kind":        func(b []byte) []byte { return replaceAll(b, string(spec.KindIPVSSettings), "Ipvs_settings") },
		"a changed revision": func(b []byte) []byte { return replaceAll(b, "revision2", "revision3") },
		"a changed ledger":   func(b []byte) []byte { return replaceAll(b, `["192.0.2.100"]`, `["192.0.2.101"]`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := openBytes(t, damage(append([]byte(nil), data...))); !errors.As(err, new(*DamagedError)) {
				t.Errorf("error %v, want that it is damaged", err)
			}
		})
	}
}

// The list of free pages is in no tree and under no checksum, and bbolt believes it.
func TestADamagedListOfFreePagesIsDamage(t *testing.T) {
	t.Parallel()
	data, _, _ := filled(t, 300)
	layout := pages{data: data, size: os.Getpagesize()}
	newest := slices.MaxFunc(layout.heads(), func(a, b head) int { return int(a.transaction) - int(b.transaction) })
	at := int(newest.freelist) * layout.size
	count := binary.NativeEndian.Uint16(data[at+10:])
	if count < 2 {
		t.Fatalf("%d free pages, want some", count)
	}
	for name, damage := range map[string]func(page []byte){
		"another number":            func(page []byte) { page[0] ^= 1 },
		"another kind":              func(page []byte) { page[8] ^= 0x30 },
		"a page too many":           func(page []byte) { binary.NativeEndian.PutUint16(page[10:], count+1) },
		"a page too few":            func(page []byte) { binary.NativeEndian.PutUint16(page[10:], count-1) },
		"more pages than room":      func(page []byte) { binary.NativeEndian.PutUint16(page[10:], 0xFFFE) },
		"a page twice":              func(page []byte) { copy(page[24:32], page[16:24]) },
		"a head":                    func(page []byte) { binary.NativeEndian.PutUint64(page[16:], 1) },
		"a page behind the end":     func(page []byte) { page[16+6] = 1 },
		"it is 4 million pages":     func(page []byte) { page[14] ^= 1 << 6 },
		"it is 4,000 million pages": func(page []byte) { page[15] ^= 1 << 7 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			damaged := slices.Clone(data)
			damage(damaged[at:])
			if _, _, err := openBytes(t, damaged); !errors.As(err, new(*DamagedError)) {
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

// Whatever byte is another one, the state is the whole one, or the file is refused. In a head it may be the one before the
// last change, which is said.
func TestNoByteOfTheFileChangesTheStateUnnoticed(t *testing.T) {
	t.Parallel()
	data, want, before := filled(t, 300)
	random := rand.New(rand.NewPCG(1, 2))
	places := make([]int, 0, 300+2*(pageHeader+headSummed+8))
	for range 300 {
		places = append(places, random.IntN(len(data)))
	}
	for n := range pageHeader + headSummed + 8 {
		places = append(places, n, os.Getpagesize()+n)
	}
	noticed, behind := 0, 0
	for _, at := range places {
		flip := byte(1 + random.IntN(255))
		damaged := slices.Clone(data)
		damaged[at] ^= flip
		got, warnings, err := openBytes(t, damaged)
		switch {
		case err != nil:
			noticed++
		case reflect.DeepEqual(want, got): // cmp is slow with maps
		case reflect.DeepEqual(before, got) && len(warnings) == 1:
			behind++
		default:
			t.Fatalf("byte %d ^ %#x: %q (-want +got):\n%s", at, flip, warnings, cmp.Diff(want, got, compareAddresses))
		}
	}
	if noticed == 0 || behind == 0 {
		t.Errorf("of %d, %d were noticed, and of %d it was said that the last change is missing", len(places), noticed, behind)
	}
}

func FuzzOpenOfADamagedFile(f *testing.F) {
	data, want, before := filled(f, 100)
	f.Add(uint(0), byte(1))
	f.Add(uint(os.Getpagesize()+pageHeader), byte(1))
	f.Add(uint(5000), byte(0x80))
	f.Fuzz(func(t *testing.T, at uint, flip byte) {
		damaged := slices.Clone(data)
		damaged[at%uint(len(data))] ^= flip
		got, warnings, err := openBytes(t, damaged)
		if err == nil && !reflect.DeepEqual(want, got) && (len(warnings) == 0 || !reflect.DeepEqual(before, got)) {
			t.Errorf("byte %d ^ %#x: another state", at%uint(len(data)), flip)
		}
	})
}

func TestAFileThatOthersCouldReadIsShut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if warnings := s.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0], "0644") {
		t.Errorf("said of it: %q", warnings)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
