package lab_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// a virtual router with the address 192.0.2.100
func keepalivedConfig(priority int) string {
	return fmt.Sprintf(`global_defs {
	vrrp_version 3
}
vrrp_instance web {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority %d
	advert_int 0.1
	virtual_ipaddress {
		192.0.2.100/24
	}
}
`, priority)
}

func holds(t *testing.T, h *lab.Host, address string) bool {
	t.Helper()
	addresses, err := h.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(addresses, netip.MustParsePrefix(address))
}

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ctx := soon(t); !is(); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func startKeepalived(t *testing.T, on *lab.Host, priority int) *lab.Keepalived {
	t.Helper()
	k, err := on.StartKeepalived(t.Context(), keepalivedConfig(priority), "--vrrp")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeepalivedStoppedGivesTheAddressBack(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := startKeepalived(t, h, 150)
	if err := k.WaitForLog(soon(t), "Entering MASTER STATE"); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the active router has the address", func() bool { return holds(t, h, "192.0.2.100/24") })
	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	if holds(t, h, "192.0.2.100/24") {
		t.Error("a keepalived that was stopped left its address")
	}
	if err := k.WaitForLog(soon(t), "no such line"); err == nil {
		t.Error("a line that was never logged was found")
	}
}

func TestKeepalivedKilledLeavesTheAddressAndItsPeerTakesOver(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	d1, d2 := n.Host(t, "d1", "192.0.2.11/24"), n.Host(t, "d2", "192.0.2.12/24")
	k1 := startKeepalived(t, d1, 150)
	if err := k1.WaitForLog(soon(t), "Entering MASTER STATE"); err != nil {
		t.Fatal(err)
	}
	k2 := startKeepalived(t, d2, 100)
	if err := k2.WaitForLog(soon(t), "Entering BACKUP STATE"); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the active router has the address", func() bool { return holds(t, d1, "192.0.2.100/24") })
	if err := k1.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := k2.WaitForLog(soon(t), "Entering MASTER STATE"); err != nil {
		t.Fatal(err)
	}
	if !holds(t, d1, "192.0.2.100/24") {
		t.Error("a keepalived that was killed took its address away")
	}
}
