// Package endtoend runs the built agent on real directors: processes that are killed, links that are
// cut, tables that ipvsadm reads. What a part of the agent does by itself is tested beside that part.
package endtoend

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) {
	if err := lab.BuildPrograms("../../..", "endtoend"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm)
}

// patience is how long a test waits for what should come at once. It is not a measure of anything.
const patience = 30 * time.Second

var vip = netip.MustParsePrefix("192.0.2.100/24")

// pair is a client, two directors and two real servers on a switch.
type pair struct {
	client *lab.Host
	d1, d2 *lab.Director
	rs     [2]*server
	// scripts is the folder that both directors run scripts from.
	scripts string
	agent   lab.Agent
}

// server is a real server whose web server can be stopped and started again.
type server struct {
	*lab.Host
	stop func()
}

func newPair(t *testing.T) *pair {
	t.Helper()
	dir := t.TempDir()
	network := lab.Start(t)
	p := &pair{client: network.Host(t, "c", "192.0.2.1/24")}
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.scripts = filepath.Join(dir, "scripts")
	if err := os.Mkdir(p.scripts, 0o755); err != nil {
		t.Fatal(err)
	}
	installed := lab.Agent{
		Binary: lab.Program("lvs-agent"), Dir: dir, CA: ca, Token: "secret",
		Options: fmt.Sprintf("resync_interval = \"1s\"\nscripts {\n  directory = %q\n  user = \"root\"\n  allow_inline = true\n  cpu_time = \"1s\"\n}", p.scripts),
	}
	p.agent = installed
	p.d1 = p.director(t, installed, network.Host(t, "d1", "192.0.2.11/24"), "192.0.2.11")
	p.d2 = p.director(t, installed, network.Host(t, "d2", "192.0.2.12/24"), "192.0.2.12")
	for i, name := range []string{"rs1", "rs2"} {
		p.rs[i] = &server{Host: network.Host(t, name, fmt.Sprintf("192.0.2.2%d/24", i+1))}
		if err := p.rs[i].RealServerDR(vip.Addr()); err != nil {
			t.Fatal(err)
		}
		p.rs[i].start(t)
	}
	return p
}

func (p *pair) director(t *testing.T, installed lab.Agent, h *lab.Host, address string) *lab.Director {
	t.Helper()
	d, err := installed.Install(h, netip.MustParseAddr(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", h.Name(), d.Log())
		}
	})
	start(t, d)
	return d
}

func (s *server) start(t *testing.T) {
	t.Helper()
	web, err := s.ListenWeb(t.Context(), netip.MustParseAddrPort("0.0.0.0:80"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = web.Run(ctx) // a failure shows in what the directors think of it
	}()
	s.stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(s.stop)
}

func start(t *testing.T, d *lab.Director) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// put sends a spec and wants it taken.
func put(t *testing.T, d *lab.Director, path, body string) {
	t.Helper()
	if status, answer := call(t, d, http.MethodPut, path, body); status != http.StatusCreated && status != http.StatusOK {
		t.Fatalf("%s: PUT %s answered %d: %s", d.Host.Name(), path, status, answer)
	}
}

func call(t *testing.T, d *lab.Director, method, path, body string) (status int, answer string) {
	t.Helper()
	status, answer, err := d.Call(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

// configure gives both directors the service and the virtual router, d1 with the higher priority.
func (p *pair) configure(t *testing.T, instanceOptions string) {
	t.Helper()
	for priority, d := range map[int]*lab.Director{150: p.d1, 100: p.d2} {
		put(t, d, "/v1/virtual-servers/web", `{"address":"192.0.2.100","port":80,"scheduler":"wrr","forwarding_method":"dr",
			"health_check":{"interval":"500ms","timeout":"400ms","fall":3,"tcp":{}}}`)
		put(t, d, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":1}`)
		put(t, d, "/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{"weight":3}`)
		put(t, d, "/v1/vrrp-instances/web", fmt.Sprintf(`{"virtual_router_id":51,"interface":"eth0","priority":%d,
			"advertisement_interval":"200ms","virtual_addresses":[%q]%s}`, priority, vip, instanceOptions))
	}
	p.wantHolder(t, p.d1, p.d2)
	for _, d := range []*lab.Director{p.d1, p.d2} {
		wantTable(t, d, 1, 3)
	}
}

// wantHolder waits until the VIP is on one director and only there.
func (p *pair) wantHolder(t *testing.T, active, backup *lab.Director) {
	t.Helper()
	eventually(t, active.Host.Name()+" alone holds the VIP", func() bool { return holds(t, active) && !holds(t, backup) })
}

func holds(t *testing.T, d *lab.Director) bool {
	t.Helper()
	addresses, err := d.Host.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(addresses, vip)
}

// wantTable waits until ipvsadm prints the service with its servers at these weights.
func wantTable(t *testing.T, d *lab.Director, weight1, weight2 int) {
	t.Helper()
	want := fmt.Sprintf("-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w %d\n-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w %d\n", weight1, weight2)
	var got string
	defer func() {
		if got != want {
			t.Logf("%s has\n%s", d.Host.Name(), got)
		}
	}()
	eventually(t, fmt.Sprintf("%s has weights %d and %d", d.Host.Name(), weight1, weight2), func() bool {
		got = table(t, d)
		return got == want
	})
}

// table returns a director's table, as commands that would make it.
func table(t *testing.T, d *lab.Director) string {
	t.Helper()
	text, err := d.Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func metric(t *testing.T, d *lab.Director, name string) string {
	t.Helper()
	value, err := d.Metric(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}
