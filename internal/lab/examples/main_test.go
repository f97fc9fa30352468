// Package examples applies the configurations of examples/ with the real terraform to real directors, sends traffic
// through them, and destroys them again.
package examples

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) {
	if err := lab.BuildPrograms("../../..", "examples"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// A guest has one processor, and these tests wait most of the time.
	if err := flag.Set("test.parallel", "2"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lab.Main(m, lab.NeedIPVS, lab.NeedIPVSAdm, lab.NeedKeepalived, lab.NeedIptables)
}

// patience is how long a test waits for what should come soon. It is not a measure of anything.
const patience = time.Minute

// site is a client and two directors on a switch: the network that the examples describe.
type site struct {
	*lab.Network
	client *lab.Host
	d1, d2 *lab.Director
	agent  lab.Agent
	tf     *lab.Terraform
	// servers are those that a check cuts off.
	servers []*lab.Host
}

// newSite makes the network and installs the agents, which do not run yet, and the example, with variables that are not
// its defaults.
func newSite(t *testing.T, example string, variables map[string]string) *site {
	t.Helper()
	network := lab.Start(t)
	s := &site{Network: network, client: network.Host(t, "c", "192.0.2.1/24", "2001:db8::1/64")}
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.agent = lab.Agent{Binary: lab.Program("lvs-agent"), Dir: dir, CA: ca, Token: "secret"}
	s.d1 = s.director(t, "d1", "192.0.2.11", "2001:db8::11")
	s.d2 = s.director(t, "d2", "192.0.2.12", "2001:db8::12")
	terraform, err := exec.LookPath(cmp.Or(os.Getenv("TERRAFORM"), "terraform"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"token": s.agent.Token, "ca_cert_file": ca.File()}
	maps.Copy(all, variables)
	s.tf, err = s.client.DevelopTerraform(terraform, lab.Program("terraform-provider-lvs"), filepath.Join(folder, example), dir, all)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const folder = "../../../examples"

func (s *site) director(t *testing.T, name, address, address6 string) *lab.Director {
	t.Helper()
	d, err := s.agent.Install(s.Host(t, name, address+"/24", address6+"/64"), netip.MustParseAddr(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, d.Log())
		}
	})
	return d
}

func (s *site) directors() []*lab.Director { return []*lab.Director{s.d1, s.d2} }

// web makes a host that answers HTTP with its name on these ports, and is a real server of the virtual addresses by direct
// routing.
func web(t *testing.T, n *lab.Network, name, address string, ports []uint16, vips ...string) *lab.Host {
	t.Helper()
	h := n.Host(t, name, address)
	for _, vip := range vips {
		if err := h.RealServerDR(netip.MustParseAddr(vip)); err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range ports {
		serveWeb(t, h, port)
	}
	return h
}

// serveWeb answers HTTP on a port of the host until the test ends.
func serveWeb(t *testing.T, h *lab.Host, port uint16) {
	t.Helper()
	web, err := h.ListenWeb(t.Context(), netip.AddrPortFrom(netip.IPv6Unspecified(), port)) // IPv4's, too
	if err != nil {
		t.Fatal(err)
	}
	background(t, web)
}

// background runs a task until the test ends, or until it is told to stop. What fails there shows in what clients see.
func background(t *testing.T, task interface{ Run(context.Context) error }) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = task.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// start runs the agents.
func (s *site) start(t *testing.T, directors ...*lab.Director) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, d := range directors {
		if err := d.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// terraform runs a command that has to succeed.
func (s *site) terraform(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := s.tf.Run(t.Context(), arguments...); err != nil {
		t.Fatalf("terraform %v: %v\n%s", arguments, err, output)
	}
}

// wantNoChanges plans, and wants nothing to do.
func (s *site) wantNoChanges(t *testing.T) {
	t.Helper()
	changes, plan, err := s.tf.HasChanges(t.Context())
	if err != nil || changes {
		t.Fatalf("the plan after the apply has changes (%v):\n%s", err, plan)
	}
}

// wantAnswers asks from the client until each of these servers has answered, and wants no answer of another.
func (s *site) wantAnswers(t *testing.T, target string, names ...string) {
	t.Helper()
	probe := s.client.NewProbe(netip.MustParseAddrPort(target), 50*time.Millisecond)
	stop := background(t, probe)
	defer stop()
	eventually(t, fmt.Sprintf("%s is answered by %v", target, names), func() bool {
		answers := probe.Answers()
		return !slices.ContainsFunc(names, func(name string) bool { return answers[name] == 0 })
	})
	for name := range probe.Answers() {
		if !slices.Contains(names, name) {
			t.Errorf("%s was answered by %s, too", target, name)
		}
	}
}

// answersFrom asks from the client until somebody answers, and returns who it was.
func (s *site) answersFrom(t *testing.T, target string) string {
	t.Helper()
	probe := s.client.NewProbe(netip.MustParseAddrPort(target), 50*time.Millisecond)
	stop := background(t, probe)
	defer stop()
	eventually(t, target+" is answered", func() bool { return len(probe.Answers()) > 0 })
	answers := probe.Answers()
	if len(answers) > 1 {
		t.Errorf("%s is answered by several: %v", target, answers)
	}
	return slices.Sorted(maps.Keys(answers))[0]
}

// wantActive waits until one director has the addresses and the other has none of them.
func wantActive(t *testing.T, active, backup *lab.Director, addresses ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s alone has %v", active.Host.Name(), addresses), func() bool {
		for _, address := range addresses {
			if !has(t, active, address) || has(t, backup, address) {
				return false
			}
		}
		return true
	})
}

func has(t *testing.T, d *lab.Director, address string) bool {
	t.Helper()
	found, err := d.Host.Has(netip.MustParseAddr(address))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// failover has a director hand an instance over.
func failover(t *testing.T, d *lab.Director, instance string) {
	t.Helper()
	status, answer, err := d.Call(t.Context(), http.MethodPost, "/v1/vrrp-instances/"+instance+"/failover", "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("failover of %s on %s answered %d: %s (%v)", instance, d.Host.Name(), status, answer, err)
	}
}

func table(t *testing.T, d *lab.Director) string {
	t.Helper()
	text, err := d.Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func run(t *testing.T, h *lab.Host, argv ...string) {
	t.Helper()
	if _, err := h.Output(t.Context(), argv...); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}
