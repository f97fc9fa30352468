package endtoend

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// settings returns what the system's own tools say of a director's machine.
func settings(t *testing.T, d *lab.Director) string {
	t.Helper()
	var all strings.Builder
	for _, command := range []string{
		"ipvsadm -L --daemon", "ipvsadm -L --timeout", "sysctl net.ipv4.vs.conntrack net.ipv4.vs.conn_reuse_mode net.ipv4.ip_forward",
	} {
		text, err := d.Host.Output(t.Context(), strings.Fields(command)...)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(text)
	}
	return all.String()
}

func daemon(t *testing.T, d *lab.Director) string {
	t.Helper()
	text, err := d.Host.Output(t.Context(), "ipvsadm", "-L", "--daemon")
	if err != nil {
		t.Fatal(err)
	}
	state, _, _ := strings.Cut(text, " ")
	if n := strings.Count(text, "sync daemon"); n != 1 {
		return fmt.Sprintf("%d daemons", n)
	}
	return state
}

// The life of the settings on a pair: the master is where the instance is active, a restart changes nothing,
// a failover turns them round, and what a dead agent leaves is put back.
func TestSettingsFollowTheRoleAndArePutBack(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	before := settings(t, p.d1)
	for _, d := range []*lab.Director{p.d1, p.d2} {
		put(t, d, "/v1/ipvs-settings", `{"connection_sync":{"interface":"eth0","follow":"web"},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true,"ip_forward":true}}`)
	}
	follow := func(when string, active, backup *lab.Director) {
		t.Helper()
		eventually(t, when+": the master is where the instance is active", func() bool {
			return daemon(t, active) == "master" && daemon(t, backup) == "backup"
		})
	}
	follow("at first", p.d1, p.d2)
	during := settings(t, p.d1)
	if !strings.Contains(during, "Timeout (tcp tcpfin udp): 3600 120 300") || !strings.Contains(during, "conntrack = 1") || !strings.Contains(during, "ip_forward = 1") {
		t.Errorf("d1's machine has\n%s", during)
	}

	if err := p.d1.Kill(); err != nil {
		t.Fatal(err)
	}
	start(t, p.d1)
	p.wantHolder(t, p.d1, p.d2)
	if diff := cmp.Diff(during, settings(t, p.d1)); diff != "" {
		t.Errorf("the restart changed (-before +after):\n%s", diff)
	}

	if status, answer := call(t, p.d1, http.MethodPost, "/v1/vrrp-instances/web/failover", ""); status != http.StatusOK {
		t.Fatalf("failover answered %d: %s", status, answer)
	}
	follow("after the failover", p.d2, p.d1)

	if err := p.d1.Kill(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.agent.Dir, "d1", "agent.hcl")
	if _, err := p.d1.Host.Output(t.Context(), lab.Program("lvs-agent"), "release", "--ipvs", "--config", file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, settings(t, p.d1)); diff != "" {
		t.Errorf("what the dead agent left (-before +after):\n%s", diff)
	}
}
