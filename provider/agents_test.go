package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const agentToken = "a-token-for-tests-only"

// realAgent is the daemon itself, in this process, with everything but a kernel.
type realAgent struct {
	endpoint string
	config   config.Config
	stop     func()
}

// newAgent returns an agent that does not run yet. settings is what its file says beside the plane.
func newAgent(t *testing.T, name, endpoint, settings string) *realAgent {
	t.Helper()
	parsed, err := config.Parse(name+".hcl", fmt.Appendf(nil, "name = %q\ndataplane = \"memory\"\n%s\n", name, settings))
	if err != nil {
		t.Fatal(err)
	}
	return &realAgent{endpoint: endpoint, config: parsed}
}

// start runs the agent until stop is called, or the test ends.
func (a *realAgent) start(t *testing.T) {
	t.Helper()
	daemon, err := agent.New(a.config, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if a.endpoint == "" {
		address := daemon.Address().String()
		a.endpoint, a.config.Listen = "https://"+address, address // the same one after a restart
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := daemon.Run(ctx); err != nil {
			t.Errorf("%s: %v", a.config.Name, err)
		}
	}()
	a.stop = func() { cancel(); <-done }
	t.Cleanup(a.stop)
}

// agents starts two directors: one behind TLS and a token, the other on a unix socket.
func agents(t *testing.T) (d1, d2 *realAgent, block string) {
	t.Helper()
	dir := t.TempDir()
	certificate, key := selfSigned(t)
	files := map[string][]byte{"cert.pem": certificate, "key.pem": key, "tokens": []byte(agentToken + "\n")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d1 = newAgent(t, "d1", "", fmt.Sprintf(`
listen = "127.0.0.1:0"
tls {
  cert_file = "%[1]s/cert.pem"
  key_file  = "%[1]s/key.pem"
}
auth { token_file = "%[1]s/tokens" }`, dir))
	socket := "unix://" + filepath.Join(dir, "agent.sock")
	d2 = newAgent(t, "d2", socket, fmt.Sprintf("listen = %q", socket))
	d1.start(t)
	d2.start(t)
	return d1, d2, fmt.Sprintf(`
provider "lvs" {
  directors = {
    d1 = { endpoint = %q, ca_cert_file = "%s/cert.pem" }
    d2 = { endpoint = %q }
  }
  token = %q
}
`, d1.endpoint, dir, socket, agentToken)
}

func selfSigned(t *testing.T) (certificate, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func TestRealAgentsAreOneCluster(t *testing.T) {
	t.Parallel()
	_, d2, block := agents(t)
	behind, err := client.New(client.Config{Name: "d2", Endpoint: d2.endpoint})
	if err != nil {
		t.Fatal(err)
	}
	const server = "lvs_real_server.web[1]"
	config := block + everything
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			PreConfig: func() {
				if _, err := behind.RealServers().Put(t.Context(), "web/192.0.2.22:80", spec.RealServer{Weight: 9}, client.PutOptions{}); err != nil {
					t.Error(err)
				}
			},
			Config: config,
			ConfigPlanChecks: planned(
				plancheck.ExpectResourceAction(server, plancheck.ResourceActionUpdate),
				before{server, []string{"director_status", "d2", "drift"}, "weight=9, want 1"},
			),
		},
		resource.TestStep{PreConfig: func() { d2.stop() }, Config: config, ExpectError: saying("there is no such socket: is lvs-agent running")},
		// Its state was in memory: it comes back with nothing, and everything is put there again.
		resource.TestStep{
			PreConfig:        func() { d2.start(t) },
			Config:           config,
			ConfigPlanChecks: planned(before{server, []string{"director_status", "d2", "state"}, missing}),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
	)
	snapshot, err := behind.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(snapshot.VRRPInstances) + len(snapshot.VirtualServers) + len(snapshot.CheckScripts); n != 0 {
		t.Errorf("%d objects are left after the destroy", n)
	}
}

func TestRealAgentRefusesAWrongToken(t *testing.T) {
	t.Parallel()
	_, _, block := agents(t)
	run(t, resource.TestStep{
		Config: replaceOnce(t, block, agentToken, "another") + everything, PlanOnly: true,
		ExpectError: saying("On d1: it refused the token: set token (or LVS_TOKEN)"),
	})
}

func TestRealAgentRefusesWritesOfATokenThatMayOnlyRead(t *testing.T) {
	t.Parallel()
	d1, _, block := agents(t)
	const readOnly = "may-only-read"
	line := fmt.Sprintf("monitoring read sha256:%x\n", sha256.Sum256([]byte(readOnly)))
	if err := os.WriteFile(d1.config.Auth.TokenFile, []byte(agentToken+"\n"+line), 0o600); err != nil {
		t.Fatal(err)
	}
	d1.stop()
	d1.start(t)
	block = replaceOnce(t, block, agentToken, readOnly)
	run(t,
		resource.TestStep{Config: block + goodScript, PlanOnly: true, ExpectError: saying("On d1: the token may not do that: use one with the write scope")},
		resource.TestStep{Config: block + `data "lvs_directors" "all" {}`}, // which is what it may do
	)
}

func TestRealAgentWithACertificateOfAnotherCAIsNotTrusted(t *testing.T) {
	t.Parallel()
	_, _, block := agents(t)
	other, _ := selfSigned(t)
	file := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(file, other, 0o600); err != nil {
		t.Fatal(err)
	}
	right := regexp.MustCompile(`ca_cert_file = "[^"]*"`)
	const untrusted = "its certificate is signed by an authority that is not trusted here: set ca_cert_file to the CA of the agents"
	for _, wrong := range []string{fmt.Sprintf("ca_cert_file = %q", file), "ca_cert_file = null"} {
		run(t, resource.TestStep{Config: right.ReplaceAllString(block, wrong) + goodScript, PlanOnly: true, ExpectError: saying(untrusted)})
	}
}

func TestRealAgentIsImportedFrom(t *testing.T) {
	t.Parallel()
	_, _, block := agents(t)
	steps := []resource.TestStep{{Config: block + everything}}
	for address, by := range map[string]struct{ id, attribute string }{
		"lvs_check_script.gateway": {"gateway", "name"},
		"lvs_vrrp_instance.web":    {"web", "name"},
		"lvs_virtual_server.web":   {"web", "name"},
		"lvs_real_server.web[0]":   {"web/192.0.2.21:80", "address"}, // its name is its service's, too
	} {
		steps = append(steps, resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: by.id, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: by.attribute,
			// The same values in other words, which the plan after an import keeps.
			ImportStateVerifyIgnore: []string{"health_check.interval", "health_check.http.expected_status"},
		})
	}
	run(t, steps...)
}
