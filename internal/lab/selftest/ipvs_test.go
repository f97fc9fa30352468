// Package selftest uses the lab as other packages do: its tests need IPVS, and run wherever go test
// is called.
package selftest

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm) }

func TestKernelHasWhatWasNeeded(t *testing.T) {
	t.Parallel()
	if !lab.HasRoot() {
		t.Error("tests that need root run without")
	}
	if !lab.HasIPVS() {
		t.Error("tests that need IPVS run without")
	}
}

func TestFolderForTemporaryFilesIsNotTheHostsInAGuest(t *testing.T) {
	t.Parallel()
	if os.Getenv("LVS_LAB_GUEST") == "" {
		return // the kernel of this machine was good enough
	}
	if dir := os.TempDir(); dir != "/run/tmp" {
		t.Errorf("temporary files go to %s, want the guest's /run/tmp", dir)
	}
}

// A client, a director and two real servers; the director sends directly.
func TestDirectorSpreadsConnections(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := lab.Start(t)
	client := n.Host(t, "client", "192.0.2.1/24")
	director := n.Host(t, "director", "192.0.2.11/24", "192.0.2.100/24")
	vip := netip.MustParseAddr("192.0.2.100")

	if _, err := director.Output(ctx, "ipvsadm", "-A", "-t", "192.0.2.100:80", "-s", "rr"); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"rs1": "192.0.2.21", "rs2": "192.0.2.22"} {
		rs := n.Host(t, name, address+"/24")
		if err := rs.RealServerDR(vip); err != nil {
			t.Fatal(err)
		}
		web, err := rs.ListenWeb(ctx, netip.MustParseAddrPort("0.0.0.0:80"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if err := web.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		if _, err := director.Output(ctx, "ipvsadm", "-a", "-t", "192.0.2.100:80", "-r", address, "-g"); err != nil {
			t.Fatal(err)
		}
	}

	probe := client.NewProbe(netip.AddrPortFrom(vip, 80), 20*time.Millisecond)
	probing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- probe.Run(probing) }()
	if err := probe.WaitForAnswers(ctx, 20); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	answers := probe.Answers()
	if answers["rs1"] < 8 || answers["rs2"] < 8 {
		t.Errorf("answers %v, want as many of the one as of the other", answers)
	}
	t.Logf("answers %v, longest gap %v", answers, probe.Gap())
}
