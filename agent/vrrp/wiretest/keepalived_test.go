package wiretest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func startKeepalived(t *testing.T, on *lab.Host, priority int) *lab.Keepalived {
	t.Helper()
	k, err := on.StartKeepalived(t.Context(), fmt.Sprintf(`global_defs {
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
`, priority), "--vrrp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of keepalived:\n%s", k.Log())
		}
	})
	return k
}

func awaitLog(t *testing.T, k *lab.Keepalived, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := k.WaitForLog(ctx, text); err != nil {
		t.Fatal(err)
	}
}

func TestKeepalived_77_PreferredIsFollowedAndReplaced(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	peer := n.Host(t, "peer", "192.0.2.12/24")
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	k := startKeepalived(t, peer, 200)
	awaitLog(t, k, "Entering MASTER STATE")
	v := instance(100)
	// Should a busy machine hold keepalived back until we take over, it must be heard again: adverts
	// that come as often as its own, with a checksum that it refuses, would silence it (see below).
	v.AdvertisementInterval = spec.Duration(10 * interval)
	d.set(web(v))
	followed := func() bool {
		return d.is(spec.InstanceBackup) && d.status().ActiveRouter == "192.0.2.12" && carries(t, peer, virtual)
	}
	eventually(t, "it follows keepalived", followed)
	eventually(t, "it has counted the other way of computing checksums", func() bool {
		return d.status().Oddities["checksum_rfc5798"] >= 10
	})
	if got := d.status(); len(got.Drops) > 0 {
		t.Errorf("its adverts are not understood: %+v", got)
	}

	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it took over from a killed one", func() bool { return d.is(spec.InstanceActive) })

	k = startKeepalived(t, peer, 200)
	awaitLog(t, k, "Entering MASTER STATE")
	eventually(t, "it yielded to the one that came back", followed)

	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it took over from one that stopped", func() bool { return d.is(spec.InstanceActive) })
	if carries(t, peer, virtual) {
		t.Error("keepalived kept the address")
	}
}

// keepalived 2.2.7 wants the checksum of an IPv4 advert with a pseudo-header, as RFC 5798 was read, and
// drops the ones that RFC 9568 §5.2.8 asks for: beside a preferred director it becomes master itself. And
// each one that it drops puts its own next advert off, so that it falls silent beside a director that
// sends as often. That is why instances are to be told which of the two checksums to send.
func TestKeepalived_32_RefusesRFC9568Checksums(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	wire := startCapture(t, n)
	d := startDirector(t, n.Host(t, "d1", "192.0.2.11/24"))
	d.set(web(instance(200)))
	eventually(t, "it is active", func() bool { return d.is(spec.InstanceActive) })
	k := startKeepalived(t, n.Host(t, "peer", "192.0.2.12/24"), 100)
	awaitLog(t, k, "Invalid VRRPv3 checksum")
	awaitLog(t, k, "Entering MASTER STATE")
	mark := wire.mark()
	eventually(t, "twenty adverts were sent", func() bool {
		return len(wire.since(mark, advertFrom("192.0.2.11", anyAdvert))) >= 20
	})
	if got := len(wire.since(mark, advertFrom("192.0.2.12", anyAdvert))); got > 10 {
		t.Errorf("keepalived sent %d adverts meanwhile: it is not silenced any more", got)
	}
	if !d.is(spec.InstanceActive) {
		t.Error("it yielded to a lower priority")
	}
	if got := strings.Join(d.status().Warnings, "\n"); !strings.Contains(got, `set checksum_compatibility = "rfc5798"`) {
		t.Errorf("it does not say what to do: %q", got)
	}
}
