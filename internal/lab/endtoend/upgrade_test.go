package endtoend

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Whoever goes on in an agent's place writes nothing to the kernel: the table is as it was, a server that is down and one
// that drains included, connections go on, and so do the sync daemons.
func TestUpgradeChangesNothingInTheKernel(t *testing.T) {
	const connections, upgrades = 50, 3
	p := newPair(t)
	echo(t, p.rs[0].Host)
	echo(t, p.rs[1].Host)
	put(t, p.d1, "/v1/vrrp-instances/web", fmt.Sprintf(`{"virtual_router_id":51,"interface":"eth0","virtual_addresses":[%q]}`, vip))
	put(t, p.d1, "/v1/ipvs-settings", `{"connection_sync":{"interface":"eth0","sync_id":7}}`)
	put(t, p.d1, "/v1/virtual-servers/echo", `{"address":"192.0.2.100","port":7,"scheduler":"rr","forwarding_method":"dr","initial_state":"up",
		"drain_timeout":"10m","health_check":{"interval":"500ms","timeout":"400ms","fall":2,"tcp":{}}}`)
	for _, address := range []string{"192.0.2.21:7", "192.0.2.22:7", "192.0.2.23:7"} { // nobody answers at the last
		put(t, p.d1, serverPath(address), `{"weight":1}`)
	}
	eventually(t, "d1 holds the VIP", func() bool { return holds(t, p.d1) })
	eventually(t, "the dead server is out", func() bool { return strings.Contains(table(t, p.d1), "192.0.2.23:7 -g -w 0\n") })
	clients := connect(t, p.client, connections)
	remove(t, p.d1, "192.0.2.22:7")
	daemons := func() string {
		text, err := p.d1.Host.Output(t.Context(), "ipvsadm", "--list", "--daemon")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	eventually(t, "one drains", func() bool { return strings.Contains(table(t, p.d1), "192.0.2.22:7 -g -w 0\n") })
	before, sync, pid := table(t, p.d1), daemons(), p.d1.PID()
	for range upgrades {
		upgrade(t, p.d1)
		if diff := cmp.Diff(before+sync, table(t, p.d1)+daemons()); diff != "" {
			t.Fatalf("the kernel has something else (-before +after):\n%s", diff)
		}
		if got := metric(t, p.d1, "lvs_ipvs_writes_total"); got != "0" {
			t.Errorf("the agent that took over wrote %s times", got)
		}
	}
	if p.d1.PID() == pid {
		t.Error("it is the process that it was")
	}
	wantAnswers(t, clients)
	clients.Close()
	eventually(t, "the server is drained and gone", func() bool { return !strings.Contains(table(t, p.d1), "192.0.2.22:7") })
	if err := p.d1.Stop(); err != nil {
		t.Error(err)
	}
	if holds(t, p.d1) {
		t.Error("what stopped in order kept the address")
	}
}

func upgrade(t *testing.T, d *lab.Director) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
}
