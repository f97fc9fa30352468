package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the guide "Getting started" has one type makes a director that answers.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	guide, err := filepath.Abs(filepath.Join(folder, "guides", "getting-started"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "ha-pair-dr", nil)
	dir := t.TempDir()
	run(t, s.client, "sh", "-c", `cd "$1" && exec sh "$2"`, "sh", dir, filepath.Join(guide, "certificates.sh"))
	file := filepath.Join(dir, "lvs-ca", "d1", "agent.hcl")
	text, err := os.ReadFile(filepath.Join(guide, "agent.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.ReplaceAll(string(text), "/etc/lvs-agent", filepath.Dir(file)) + "state_dir = \"" + t.TempDir() + "\"\n")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	agent := s.d1.Host.Command(t.Context(), s.agent.Binary, "run", "--config", file)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	}()
	status := []string{"sh", "-c", `LVS_TOKEN=$(cat "$1/token") exec "$2" status --endpoint https://192.0.2.11:8443 --ca-cert-file "$1/ca.pem"`,
		"sh", filepath.Join(dir, "lvs-ca"), s.agent.Binary}
	var answer string
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if answer, err = s.client.Output(t.Context(), status...); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if !strings.Contains(answer, "d1") {
		t.Errorf("the director says\n%s", answer)
	}
}
