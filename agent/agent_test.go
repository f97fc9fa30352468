package agent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi/apitest"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

const (
	service  = `{"address":"192.0.2.100","port":80,"forwarding_method":"nat","health_check":{"tcp":{}}}`
	instance = `{"virtual_router_id":51,"interface":"eth0","advertisement_interval":"10ms","virtual_addresses":["192.0.2.100/24"],"track_scripts":{"gateway":{"weight":20}}}`
	script   = `{"command":["/etc/lvs-agent/scripts/ping-gateway"]}`
)

func memoryConfig(t testing.TB) config.Config {
	t.Helper()
	c, err := config.Dev()
	if err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Name = "127.0.0.1:0", "d1"
	return c
}

// withTable returns an agent on the memory data plane with a table of the test's own.
func withTable(t testing.TB, table *ipvs.Fake) *Agent {
	t.Helper()
	return withDataplane(t, store.InMemory(), func(p *dataplane) { p.table = table })
}

// withDataplane returns an agent with that store, on the memory data plane with parts of the test's own.
func withDataplane(t testing.TB, s *store.Store, change func(*dataplane)) *Agent {
	t.Helper()
	return assembled(t, memoryConfig(t), s, change)
}

// assembled is withDataplane with a file of the test's own.
func assembled(t testing.TB, c config.Config, s *store.Store, change func(*dataplane)) *Agent {
	t.Helper()
	a := &Agent{config: c, version: "test", log: slog.New(slog.DiscardHandler), store: s}
	var err error
	if a.plane, err = openDataplane(a.config, a.store, a.log); err != nil {
		t.Fatal(err)
	}
	change(&a.plane)
	a.openEvents()
	a.assemble()
	if err := a.listen(); err != nil {
		t.Fatal(err)
	}
	return a
}

// running is an agent at work, and a client of its API.
type running struct {
	*Agent
	base string
	http *http.Client
	// described is what answers are compared with; nil before it was read.
	described *apitest.Document
}

func run(t testing.TB, a *Agent) *running {
	t.Helper()
	begin(t, a)
	network, address := a.Address().Network(), a.Address().String()
	r := &running{Agent: a, base: "http://localhost", http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}}
	_, document := r.call(t, http.MethodGet, "/v1/openapi.json", "")
	described, err := apitest.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	r.described = described
	return r
}

// begin runs an agent until the test ends.
func begin(t testing.TB, a *Agent) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
	})
}

func (r *running) call(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.described != nil {
		if wrong := r.described.Judge(request, answer.StatusCode, answer.Header, data); wrong != "" {
			t.Error(wrong)
		}
	}
	return answer.StatusCode, string(data)
}

func (r *running) put(t testing.TB, path, body string) {
	t.Helper()
	if status, answer := r.call(t, http.MethodPut, path, body); status != http.StatusCreated {
		t.Fatalf("PUT %s answered %d: %s", path, status, answer)
	}
}

// eventually waits until the status has the words.
func (r *running) eventually(t *testing.T, words ...string) {
	t.Helper()
	var status string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		_, status = r.call(t, http.MethodGet, "/v1/status", "")
		found := 0
		for _, w := range words {
			if strings.Contains(status, w) {
				found++
			}
		}
		if found == len(words) {
			return
		}
	}
	t.Fatalf("waited in vain for %q in %s", words, status)
}

func TestMemoryDataPlaneDoesTheWholeJob(t *testing.T) {
	t.Parallel()
	a, err := New(memoryConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	r.put(t, "/v1/check-scripts/gateway", script)
	r.put(t, "/v1/vrrp-instances/web", instance)
	r.put(t, "/v1/virtual-servers/web", service)
	r.put(t, "/v1/virtual-servers/web/real-servers/192.0.2.21:8080", `{"weight":7}`)
	r.eventually(t, `"state":"active","effective_priority":120`, `"192.0.2.21:8080":{"healthy":true,"weight":7`, `"passing":true`)
	if status, answer := r.call(t, http.MethodDelete, "/v1/virtual-servers/web?cascade=true", ""); status != http.StatusNoContent {
		t.Errorf("DELETE answered %d: %s", status, answer)
	}
	_, metrics := r.call(t, http.MethodGet, "/metrics", "")
	if !strings.Contains(metrics, metricWrites+" 3") {
		t.Errorf("want 3 writes (a service, a server, and the service gone) in\n%s", metrics)
	}
	if !strings.Contains(metrics, metricLateness+"_count ") || strings.Contains(metrics, metricLateness+"_count 0\n") {
		t.Errorf("want the lateness of adverts in\n%s", metrics)
	}
}

// A director whose instance may not become active has its servers in the table all the same.
// Every answer that a test here gets is compared with the document (see run).
func TestADryRunOfWhatIsNewIsAnsweredAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	r := run(t, withTable(t, ipvs.NewFake()))
	for path, body := range map[string]string{
		"/v1/vrrp-instances/web":                             instance,
		"/v1/virtual-servers/web":                            service,
		"/v1/virtual-servers/web/real-servers":               `{"servers":{"192.0.2.21:80":{}}}`,
		"/v1/virtual-servers/web/real-servers/192.0.2.21:80": `{}`,
		"/v1/check-scripts/gateway":                          script,
		"/v1/ipvs-settings":                                  `{"timeouts":{"tcp":"1h"}}`,
	} {
		if status, answer := r.call(t, http.MethodPut, path+"?dry_run=true", body); status != http.StatusOK {
			t.Errorf("%s answered %d: %s", path, status, answer)
		}
	}
}

func TestChecksThatFollowTheAddressRestWhileItIsElsewhere(t *testing.T) {
	t.Parallel()
	a, err := New(memoryConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	r.put(t, "/v1/vrrp-instances/web?hold=1h", strings.Replace(instance, `,"track_scripts":{"gateway":{"weight":20}}`, "", 1))
	r.put(t, "/v1/virtual-servers/web", strings.Replace(service, `"health_check":{`, `"health_check":{"only_when_active":true,"flap_damping":true,`, 1))
	r.put(t, "/v1/virtual-servers/web/real-servers/192.0.2.21:8080", `{"weight":7}`)
	r.eventually(t, `"192.0.2.21:8080":{"healthy":true,"weight":7,"reason":"not checked while its service's address is not active here`)
	if status, answer := r.call(t, http.MethodDelete, "/v1/vrrp-instances/web", ""); status != http.StatusNoContent {
		t.Fatalf("DELETE answered %d: %s", status, answer)
	}
	r.eventually(t, `"192.0.2.21:8080":{"healthy":true,"weight":7,"check":{"passed":true`)
}

// The master of connection sync follows the instance, other settings are there at once, and all of it is
// undone.
func TestSettingsAreMadeFollowedAndUndone(t *testing.T) {
	t.Parallel()
	a, err := New(memoryConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	r.put(t, "/v1/check-scripts/gateway", script)
	r.put(t, "/v1/vrrp-instances/web", instance)
	r.put(t, "/v1/ipvs-settings", `{"connection_sync":{"interface":"eth0","follow":"web"},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true}}`)
	r.eventually(t, `"state":"active"`, `"ipvs_settings":{"master":{"interface":"eth0"`, `"tcp":"1h0m0s"`, `"net.ipv4.vs.conntrack":1`)
	_, metrics := r.call(t, http.MethodGet, "/metrics", "")
	if !strings.Contains(metrics, `lvs_ipvs_sync_daemon_running{state="master"} 1`) || !strings.Contains(metrics, `lvs_ipvs_sync_daemon_running{state="backup"} 0`) {
		t.Errorf("want a master and no backup in\n%s", metrics)
	}
	if status, answer := r.call(t, http.MethodDelete, "/v1/ipvs-settings", ""); status != http.StatusNoContent {
		t.Errorf("DELETE answered %d: %s", status, answer)
	}
	r.eventually(t, `"ipvs_settings":{"timeouts":{"tcp":"15m0s"`, `"net.ipv4.vs.conntrack":0`)
}

func TestTextOfAScriptIsTakenOnlyWhereTheFileAllowsIt(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			t.Parallel()
			c := memoryConfig(t)
			c.Scripts.AllowInline = allowed
			a, err := New(c, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, a)
			for _, query := range []string{"?dry_run=true", ""} {
				status, answer := r.call(t, http.MethodPut, "/v1/check-scripts/gateway"+query, `{"content":"#!/bin/sh\nexit 0\n"}`)
				if allowed != (status < 300) || !allowed && !strings.Contains(answer, `{"pointer":"/content","detail":"this agent runs no script whose text is in Terraform: set scripts { allow_inline = true }`) {
					t.Errorf("%s answered %d: %s", query, status, answer)
				}
			}
			status, answer := r.call(t, http.MethodGet, "/v1/check-scripts/gateway", "")
			if allowed != strings.Contains(answer, `"content":"#!/bin/sh\nexit 0\n"`) {
				t.Errorf("GET answered %d: %s", status, answer)
			}
		})
	}
}

func TestFailoverThatNobodyFollowsIsAConflict(t *testing.T) {
	t.Parallel()
	a, err := New(memoryConfig(t), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	const path = "/v1/vrrp-instances/web/failover"
	if status, answer := r.call(t, http.MethodPost, path, ""); status != http.StatusNotFound {
		t.Errorf("of no instance: %d %s", status, answer)
	}
	r.put(t, "/v1/check-scripts/gateway", script)
	r.put(t, "/v1/vrrp-instances/web", instance)
	r.eventually(t, `"state":"active"`)
	status, answer := r.call(t, http.MethodPost, path, "")
	if status != http.StatusConflict || !strings.Contains(answer, `nobody took over from VRRP instance \"web\"`) {
		t.Errorf("answered %d %s, want 409 and that nobody took over", status, answer)
	}
	r.eventually(t, `"state":"active"`)
	if status, answer := r.call(t, http.MethodDelete, path, ""); status != http.StatusNoContent {
		t.Errorf("DELETE answered %d %s", status, answer)
	}
}

func TestWithoutIPVSTheRouterRunsAndServicesAreRefused(t *testing.T) {
	t.Parallel()
	table := ipvs.NewFake()
	table.Break(ipvs.ErrUnavailable)
	r := run(t, withTable(t, table))
	r.put(t, "/v1/check-scripts/gateway", script)
	r.put(t, "/v1/vrrp-instances/web", instance)
	r.eventually(t, `"state":"active"`, `"ipvs":{"available":false`)
	status, answer := r.call(t, http.MethodPut, "/v1/virtual-servers/web", service)
	if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "modprobe ip_vs") {
		t.Errorf("answered %d %s, want 422 and the module to load", status, answer)
	}
}

func TestServiceThatTheKernelRefusesFailsNoOther(t *testing.T) {
	t.Parallel()
	table := ipvs.NewFake()
	table.Refuse(func(op ipvs.Op) error {
		if op.Options.Scheduler == "twos" {
			return syscall.ENOENT
		}
		return nil
	})
	r := run(t, withTable(t, table))
	refused := strings.Replace(service, `"port":80`, `"port":81,"scheduler":"twos"`, 1)
	if status, answer := r.call(t, http.MethodPut, "/v1/virtual-servers/bad", refused); status != http.StatusInternalServerError || !strings.Contains(answer, "modprobe ip_vs_twos") {
		t.Errorf("answered %d %s, want 500 and the module to load", status, answer)
	}
	r.put(t, "/v1/virtual-servers/web", service)
	r.put(t, "/v1/virtual-servers/web/real-servers/192.0.2.21:8080", `{}`)
}

func TestUnixSocketNeedsNoTokenAndIsClosedToOthers(t *testing.T) {
	t.Parallel()
	c := memoryConfig(t)
	path := filepath.Join(t.TempDir(), "agent.sock")
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("a-secret-for-tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Auth = "unix://"+path, &config.Auth{TokenFile: tokens}
	a, err := New(c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	if status, answer := r.call(t, http.MethodGet, "/v1/status", ""); status != http.StatusOK {
		t.Errorf("answered %d: %s", status, answer)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the socket is mode %04o, want 0600", mode)
	}
	if _, err := New(c, "test", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "listens there already") {
		t.Errorf("a second agent on the socket: %v", err)
	}
}

func TestMetricsListenerServesMetricsAlone(t *testing.T) {
	t.Parallel()
	c := memoryConfig(t)
	c.MetricsListen = "127.0.0.1:0"
	a, err := New(c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, a)
	answer, err := http.Get(fmt.Sprintf("http://%s/metrics", a.servers[1].Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `lvs_agent_info{dataplane="memory",name="d1",version="test"} 1`) {
		t.Errorf("answered %s", data)
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := memoryConfig(t)
	c.Auth = &config.Auth{TokenFile: filepath.Join(t.TempDir(), "none")}
	if _, err := New(c, "test", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an agent without its tokens was made")
	}
	c = memoryConfig(t)
	c.Dataplane, c.StateDir = config.DataplaneKernel, filepath.Join(t.TempDir(), "none")
	if _, err := New(c, "test", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "state_dir") {
		t.Errorf("an agent without its state folder: %v", err)
	}
}
