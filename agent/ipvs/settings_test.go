package ipvs

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSyncDaemonIsDecodedAsEncoded(t *testing.T) {
	t.Parallel()
	for _, want := range []SyncDaemon{
		{State: SyncMaster, Interface: "eth0", Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1},
		{State: SyncBackup, Interface: "eth0", ID: 255, Group: netip.MustParseAddr("ff02::81"), Port: 65535, TTL: 255, MaxLength: 65487},
	} {
		got, err := decodeSyncDaemon(message(want.encode))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestTimeoutsAreDecodedAsEncoded(t *testing.T) {
	t.Parallel()
	for _, want := range []Timeouts{{}, {TCP: time.Second, TCPFin: 2 * time.Second, UDP: math.MaxInt32 * time.Second}} {
		got, err := decodeTimeouts(message(want.encode))
		if err != nil || got != want {
			t.Errorf("%s is decoded as %s, %v", want, got, err)
		}
	}
}

// What the kernel would round to 0, and so take for "leave it as it is", is an error.
func TestPartsOfASecondAreNoTimeout(t *testing.T) {
	t.Parallel()
	kernel := NewKernel(KernelConfig{Namespace: "/not/there"})
	for _, bad := range []Timeouts{{TCP: 500 * time.Millisecond}, {UDP: 1500 * time.Millisecond}, {TCPFin: -time.Second}} {
		if err := kernel.SetTimeouts(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "whole seconds") {
			t.Errorf("%s: %v, want an error about whole seconds", bad, err)
		}
	}
}

func FuzzDecodeSettings(f *testing.F) {
	f.Add(message(SyncDaemon{State: SyncMaster, Interface: "eth0", Group: netip.MustParseAddr("ff02::81")}.encode))
	f.Add(message(Timeouts{TCP: time.Minute}.encode))
	f.Fuzz(func(_ *testing.T, b []byte) { // no message makes it panic
		_, _ = decodeSyncDaemon(b)
		_, _ = decodeTimeouts(b)
	})
}
