package vrrp

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// interfaceIn is Interfaces with one interface, well or in trouble.
type interfaceIn struct {
	Interfaces
	trouble error
}

func (i interfaceIn) Source(string, spec.Family) (int, netip.Addr, error) {
	return 2, netip.MustParseAddr("192.0.2.11"), i.trouble
}

func TestFailed_HoldsARouterBackOnlyOnAnInterfaceThatIsWell(t *testing.T) {
	t.Parallel()
	v := spec.DefaultVRRPInstance()
	v.VirtualRouterID, v.Interface = 51, "eth0"
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}
	for trouble, want := range map[error]string{
		nil:                                  "no room for an address",
		errors.New("interface eth0 is down"): "",
	} {
		e := NewEngine(Config{Log: slog.New(slog.DiscardHandler), Interfaces: interfaceIn{trouble: trouble}})
		en := &entry{spec: v, router: newRouter("web", v, e.Log, e.failed, new(atomic.Int64))}
		en.router.failed(errors.New("no room for an address"))
		if got := e.faultOf(en, facts{}, nil); got != want {
			t.Errorf("with trouble %v the fault is afterwards %q, want %q", trouble, got, want)
		}
	}
}
