package store

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func service() spec.VirtualServer {
	v := spec.DefaultVirtualServer()
	v.Address, v.Port, v.ForwardingMethod = netip.MustParseAddr("192.0.2.100"), 80, spec.DirectRouting
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	v.HealthCheck = &check
	return v
}

func changes() []spec.Change {
	router := spec.DefaultVRRPInstance()
	router.VirtualRouterID, router.Interface = 51, "eth0"
	router.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}
	router.Version, router.AuthPass = 2, "s3cret" // a restart must not lose it
	script := spec.CheckScript{Command: []string{"/bin/true"}, Interval: 1e9, Timeout: 1e9, Rise: 1, Fall: 1}
	return []spec.Change{
		{Kind: spec.KindVRRPInstance, Key: "web", Value: router},
		{Kind: spec.KindVirtualServer, Key: "web", Value: service()},
		{Kind: spec.KindRealServer, Key: "web/[2001:db8::1]:80", Value: spec.RealServer{Weight: 7}},
		{Kind: spec.KindCheckScript, Key: "gateway", Value: script},
		{Kind: spec.KindCreation, Key: spec.CreationKey(spec.KindVRRPInstance, "web"), Value: spec.Creation{IdempotencyKey: "k", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{Kind: spec.KindIPVSSettings, Key: spec.IPVSSettingsKey, Value: spec.IPVSSettings{Sysctls: &spec.IPVSSysctls{Conntrack: new(false)}}},
	}
}

func give(changes ...spec.Change) func(spec.Desired) ([]spec.Change, error) {
	return func(spec.Desired) ([]spec.Change, error) { return changes, nil }
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var compareAddresses = cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}, spec.ServerKey{})

func TestStoreKeepsEverythingAcrossARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	want, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	if want.Revision != 1 || want.RealServers.Count() != 1 {
		t.Fatalf("stored %+v", want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, open(t, path).Desired(), compareAddresses); diff != "" {
		t.Errorf("after the restart (-want +got):\n%s", diff)
	}
}

func TestStoreDeletes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	if _, err := s.Update(give(changes()...)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(give(spec.Change{Kind: spec.KindCheckScript, Key: "gateway"})); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := open(t, path).Desired()
	if len(got.CheckScripts) != 0 || got.Revision != 2 {
		t.Errorf("check scripts %v at revision %d, want none at 2", got.CheckScripts, got.Revision)
	}
}

func TestRefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	refusal := errors.New("no")
	_, err := s.Update(func(spec.Desired) ([]spec.Change, error) { return changes(), refusal })
	if !errors.Is(err, refusal) {
		t.Fatalf("error %v, want the refusal", err)
	}
	if _, err := s.Update(give(spec.Change{Kind: "nonsense", Key: "x", Value: 1})); err == nil {
		t.Error("an unknown kind was stored")
	}
	if _, err := s.Update(give()); err != nil {
		t.Error(err)
	}
	if got := s.Desired(); got.Revision != 0 || len(got.VRRPInstances) != 0 {
		t.Errorf("state is %+v, want the empty one", got)
	}
}

func TestHandedOutStateDoesNotChange(t *testing.T) {
	t.Parallel()
	s := InMemory()
	before, err := s.Update(give(changes()...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(give(spec.Change{Kind: spec.KindVirtualServer, Key: "web"})); err != nil {
		t.Fatal(err)
	}
	if len(before.VirtualServers) != 1 {
		t.Error("a state handed out earlier lost its service")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	t.Run("a folder that is not there", func(t *testing.T) {
		t.Parallel()
		if _, err := Open(filepath.Join(t.TempDir(), "missing", "state.db")); err == nil {
			t.Error("opened")
		}
	})
	t.Run("a file that another agent holds", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "state.db")
		open(t, path)
		if _, err := Open(path); err == nil {
			t.Error("opened twice")
		}
	})
	t.Run("a file that is none of ours", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "state.db")
		if err := os.WriteFile(path, []byte("something else, and longer than a page is wide"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Error("opened")
		}
	})
	t.Run("a newer layout", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		if err := s.change(func(w *writer) error { return w.putNumber(keySchema, SchemaVersion+1) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "newer agent") {
			t.Errorf("error %v", err)
		}
	})
}

func TestLedger(t *testing.T) {
	t.Parallel()
	type held struct {
		Interface string
		Prefix    netip.Prefix
	}
	a := held{"eth0", netip.MustParsePrefix("192.0.2.100/24")}
	b := held{"eth1", netip.MustParsePrefix("192.0.2.101/24")}
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	ledger := LedgerOf[held](s, "addresses")
	if err := ledger.Record(a, b, a); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Forget(a); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := LedgerOf[held](open(t, path), "addresses").Entries()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]held{b}, got, compareAddresses); diff != "" {
		t.Errorf("after the restart (-want +got):\n%s", diff)
	}
}
