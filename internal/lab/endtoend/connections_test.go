package endtoend

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Connections that are there must notice nothing: not a change of what they are not, and not the end of
// the agent.
func TestConnectionsOutliveChangesRestartsAndADrain(t *testing.T) {
	const connections, changes = 200, 100
	p := newPair(t)
	for _, rs := range p.rs {
		echo(t, rs.Host)
	}
	put(t, p.d1, "/v1/vrrp-instances/web", fmt.Sprintf(`{"virtual_router_id":51,"interface":"eth0","virtual_addresses":[%q]}`, vip))
	eventually(t, "d1 holds the VIP", func() bool { return holds(t, p.d1) })
	service := func(scheduler string) {
		put(t, p.d1, "/v1/virtual-servers/echo", fmt.Sprintf(`{"address":"192.0.2.100","port":7,"scheduler":%q,"forwarding_method":"dr",
			"drain_timeout":"10m","health_check":{"interval":"500ms","timeout":"400ms","fall":3,"tcp":{}}}`, scheduler))
	}
	server := func(address string, weight int) {
		put(t, p.d1, serverPath(address), fmt.Sprintf(`{"weight":%d}`, weight))
	}
	service("rr")
	server("192.0.2.21:7", 1)
	server("192.0.2.22:7", 1)
	eventually(t, "both servers are in", func() bool { return strings.Count(table(t, p.d1), " -w 1\n") == 2 })

	clients := connect(t, p.client, connections)
	for i := range changes {
		switch schedulers := []string{"wrr", "lc", "wlc", "sh", "sed", "mh", "rr"}; i % 4 {
		case 0:
			service(schedulers[i/4%len(schedulers)])
		case 1:
			server("192.0.2.21:7", i)
		case 2:
			server("192.0.2.23:7", i) // nobody answers there
		case 3:
			remove(t, p.d1, "192.0.2.23:7")
		}
		switch i {
		case changes / 3:
			if err := p.d1.Kill(); err != nil {
				t.Fatal(err)
			}
			start(t, p.d1)
		case changes / 2:
			if err := p.d1.Stop(); err != nil {
				t.Fatal(err)
			}
			start(t, p.d1)
		case 2 * changes / 3:
			remove(t, p.d1, "192.0.2.22:7")
		}
	}
	if got := table(t, p.d1); !strings.Contains(got, "192.0.2.22:7 -g -w 0\n") {
		t.Errorf("the server that drains is not in the table with weight 0:\n%s", got)
	}
	wantAnswers(t, clients)

	clients.Close()
	eventually(t, "the server is drained and gone", func() bool {
		status, _ := call(t, p.d1, http.MethodGet, serverPath("192.0.2.22:7"), "")
		return status == http.StatusNotFound && !strings.Contains(table(t, p.d1), "192.0.2.22:7")
	})
}

func serverPath(address string) string { return "/v1/virtual-servers/echo/real-servers/" + address }

// remove takes a server out of the service, with time to drain.
func remove(t *testing.T, d *lab.Director, address string) {
	t.Helper()
	if status, answer := call(t, d, http.MethodDelete, serverPath(address), ""); status != http.StatusAccepted && status != http.StatusNoContent {
		t.Fatalf("DELETE of %s answered %d: %s", address, status, answer)
	}
}

// echo answers every line with itself on the host, until the test ends.
func echo(t *testing.T, h *lab.Host) {
	t.Helper()
	server, err := h.ListenEcho(t.Context(), netip.MustParseAddrPort("0.0.0.0:7"))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
	serving.Go(func() { _ = server.Run(ctx) }) // what fails shows in the connections
}

// connect returns when all connections are there and have had an answer.
func connect(t *testing.T, from *lab.Host, n int) *lab.Connections {
	t.Helper()
	c, err := from.Connect(t.Context(), netip.AddrPortFrom(vip.Addr(), 7), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	wantAnswers(t, c)
	return c
}

// wantAnswers waits until every connection has had an answer to a line it sent from now on.
func wantAnswers(t *testing.T, c *lab.Connections) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.WaitForAnswers(ctx); err != nil {
		t.Fatal(err)
	}
}
