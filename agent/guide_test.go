package agent

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// The commands of the guide to the API are run as they stand there, one after another, and print what it says.
func TestTheGuideToTheAPIDoesWhatItSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("d1", netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, fmt.Appendf(nil, "guide write sha256:%x\n", sha256.Sum256([]byte("secret"))), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(filepath.Join(dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	c := memoryConfig(t)
	c.TLS, c.Auth = &config.TLS{CertFile: cert, KeyFile: key}, &config.Auth{TokenFile: tokens}
	a := assembled(t, c, kept, func(p *dataplane) { p.table = ipvs.NewFake() })
	begin(t, a)

	text, err := os.ReadFile(filepath.Join("..", "templates", "guides", "api.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var script, want strings.Builder
	blocks := regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for i, b := range blocks {
		if b[1] == "text" {
			continue
		}
		if i+1 < len(blocks) && blocks[i+1][1] == "text" {
			fmt.Fprintf(&script, "{\n%s}\n", b[2])
			want.WriteString(blocks[i+1][2])
		} else {
			fmt.Fprintf(&script, "{\n%s} >>other 2>&1\n", b[2])
		}
	}
	here := strings.NewReplacer("/etc/lvs-agent/ca.pem", ca.File(), "TOKEN", "secret", "https://192.0.2.11:8443", "https://"+a.Address().String())
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", here.Replace(script.String()))
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	got, err := cmd.Output()
	if err != nil {
		other, _ := os.ReadFile(filepath.Join(dir, "other"))
		t.Fatalf("%v: %s\n%s\n%s", err, said.String(), got, other)
	}
	if diff := cmp.Diff(strings.TrimSpace(want.String()), strings.TrimSpace(string(got))); diff != "" {
		t.Errorf("printed (-guide +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "backup.db")); err != nil || info.Size() == 0 {
		t.Errorf("the backup: %v, %v", info, err)
	}
}
