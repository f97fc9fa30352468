package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// What the guide "Getting started" has one type makes directors that answer to one CA and one token.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	s := newSite(t, "ha-pair-dr", nil)
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(folder, "guides", "getting-started", "init.sh"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "lvs-agent ") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	if len(commands) != len(s.directors()) {
		t.Fatalf("the guide has %d commands", len(commands))
	}
	for i, d := range s.directors() {
		own := filepath.Join(dir, d.Host.Name())
		command := strings.NewReplacer("/etc/lvs-agent", own, "/root/d1", filepath.Join(dir, "d1")).Replace(commands[i])
		run(t, d.Host, append([]string{s.agent.Binary}, strings.Fields(command)[1:]...)...)
		agent := d.Host.Command(t.Context(), s.agent.Binary, "run", "--config", filepath.Join(own, "agent.hcl"))
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = agent.Process.Kill()
			_ = agent.Wait()
		})
		wantStatus(t, s, d, filepath.Join(dir, "d1"))
	}
}

// wantStatus waits until a director answers the client, who has the files of the first one.
func wantStatus(t *testing.T, s *site, d *lab.Director, files string) {
	t.Helper()
	status := []string{"sh", "-c", `LVS_TOKEN=$(cat "$1/token") exec "$2" status --endpoint "$3" --ca-cert-file "$1/ca.pem"`,
		"sh", files, s.agent.Binary, d.Endpoint}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		answer, err := s.client.Output(t.Context(), status...)
		if err == nil {
			if !strings.Contains(answer, d.Host.Name()) {
				t.Errorf("%s says\n%s", d.Host.Name(), answer)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
