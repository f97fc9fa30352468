package install

import (
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
)

func director(dir string) Director {
	return Director{Dir: dir, Name: "d1", Address: netip.MustParseAddrPort("192.0.2.11:8443")}
}

func TestTheFileOfAnAgentInTheUsualPlaceNamesThePackagesUsers(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]struct{ user, state string }{
		"/etc/lvs-agent": {"lvs-check", "/var/lib/lvs-agent"},
		"/home/me/d1":    {config.DefaultScriptUser, "/home/me/d1/state"},
	} {
		c, err := config.Parse("agent.hcl", director(dir).config())
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if c.Scripts.User != want.user || c.StateDir != want.state {
			t.Errorf("%s: scripts run as %s, and the state is in %s; want %v", dir, c.Scripts.User, c.StateDir, want)
		}
	}
}

// Scripts are below the folder, and run as another user.
func TestOthersPassThroughTheFolderAndReadNothingInIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "etc", "lvs-agent")
	if err := director(dir).Make(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder is mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is mode %v, %v: others can read it", e.Name(), info.Mode(), err)
		}
	}
}

func TestCertificatesAreOfUseForTwoYearsAndTheAuthorityForTen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	files, err := director("/etc/lvs-agent").files(now)
	if err != nil {
		t.Fatal(err)
	}
	certificates := map[string]*x509.Certificate{}
	for _, f := range files {
		if block, _ := pem.Decode(f.data); block != nil && block.Type == "CERTIFICATE" {
			if certificates[f.name], err = x509.ParseCertificate(block.Bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificates[caFile])
	day := 24 * time.Hour
	for name, use := range map[string]x509.ExtKeyUsage{serverFile: x509.ExtKeyUsageServerAuth, clientFile: x509.ExtKeyUsageClientAuth} {
		for after, good := range map[time.Duration]bool{-2 * time.Hour: false, -time.Minute: true, 2 * 365 * day: true, 825 * day: false} {
			_, err := certificates[name].Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(after), KeyUsages: []x509.ExtKeyUsage{use}})
			if (err == nil) != good {
				t.Errorf("%s after %s: %v, want that it is good: %v", name, after, err, good)
			}
		}
	}
	if end := certificates[caFile].NotAfter; end.Before(now.Add(9 * 365 * day)) {
		t.Errorf("the authority ends at %s", end)
	}
}
