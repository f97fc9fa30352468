package endtoend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Where the servers of this test echo what they are sent.
const echoPort = "7"

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
			"drain_timeout":"10m","health_check":{"interval":"500ms","timeout":"500ms","fall":3,"tcp":{}}}`, scheduler))
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
	clients.wantAll(t, connections)

	clients.close()
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
	listener, err := h.Listen(t.Context(), "tcp", "0.0.0.0:"+echoPort)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			})
		}
	})
}

// clients are connections on which one line a second goes back and forth.
type clients struct {
	close func()

	mu      sync.Mutex
	failed  []error
	answers map[int]int // by connection
}

// connect returns when all connections are there and have had an answer.
func connect(t *testing.T, from *lab.Host, n int) *clients {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c := &clients{answers: map[int]int{}}
	var talking sync.WaitGroup
	c.close = sync.OnceFunc(func() {
		cancel()
		talking.Wait()
	})
	t.Cleanup(c.close)
	target := netip.AddrPortFrom(vip.Addr(), 7).String()
	for i := range n {
		conn, err := from.DialContext(t.Context(), "tcp", target)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		talking.Go(func() {
			defer func() { _ = conn.Close() }()
			if err := c.talk(ctx, conn, i); err != nil {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.failed = append(c.failed, fmt.Errorf("connection %d: %w", i, err))
			}
		})
	}
	c.wantAll(t, n)
	return c
}

func (c *clients) talk(ctx context.Context, conn net.Conn, i int) error {
	answers := bufio.NewReader(conn)
	for n := 0; ; n++ {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		line := fmt.Sprintf("%d %d\n", i, n)
		if _, err := io.WriteString(conn, line); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		if answer != line {
			return fmt.Errorf("%q was answered %q", line, answer)
		}
		c.mu.Lock()
		c.answers[i]++
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// wantAll waits until every connection has had an answer to a line it sent from now on.
func (c *clients) wantAll(t *testing.T, n int) {
	t.Helper()
	// The answer under way may be to a line from before: the second is not.
	want := map[int]int{}
	c.mu.Lock()
	for i := range n {
		want[i] = c.answers[i] + 2
	}
	c.mu.Unlock()
	eventually(t, "every connection is answered", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := errors.Join(c.failed...); err != nil {
			t.Fatalf("%d of %d connections broke:\n%v", len(c.failed), n, err)
		}
		for i, answers := range want {
			if c.answers[i] < answers {
				return false
			}
		}
		return true
	})
}
