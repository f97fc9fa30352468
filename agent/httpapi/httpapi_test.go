package httpapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi/apitest"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// fakeDirector applies at once, unless it is told to fail.
type fakeDirector struct {
	applied  atomic.Int64
	refuse   spec.FieldErrors
	applyErr error
	ready    error
	name     atomic.Value // string; d1 unless stored
	statuses atomic.Int64
	store    *store.Store
	busy     bool // real servers have connections
}

func (f *fakeDirector) Check(context.Context, any) spec.FieldErrors { return f.refuse }
func (f *fakeDirector) Apply(context.Context, spec.Kind, string) error {
	f.applied.Add(1)
	if !f.busy {
		if err := endRemovals(f.store); err != nil {
			return err
		}
	}
	return f.applyErr
}

// endRemovals is what a director does to real servers whose connections have ended.
func endRemovals(s *store.Store) error {
	_, err := s.Update(func(d spec.Desired) (changes []spec.Change, _ error) {
		for key, drain := range d.Drains.All() {
			if drain.Removes() {
				changes = append(changes, spec.Change{Kind: spec.KindDrain, Key: key.String()})
			}
		}
		return changes, nil
	})
	return err
}

func (f *fakeDirector) Ready() error { return f.ready }
func (f *fakeDirector) Seen(ctx context.Context, _ spec.Kind, _ string) spec.Status {
	return f.Status(ctx)
}

func (f *fakeDirector) Status(context.Context) spec.Status {
	f.statuses.Add(1)
	name, ok := f.name.Load().(string)
	if !ok {
		name = "d1"
	}
	services := map[string]spec.VirtualServerStatus{}
	for name := range f.store.Desired().VirtualServers {
		services[name] = spec.VirtualServerStatus{VirtualServerState: spec.VirtualServerState{State: spec.ServiceUp}}
	}
	return spec.Status{Name: name, VirtualServers: services, Dataplane: "memory", Events: spec.EventsStatus{Revision: 7}, VRRPInstances: map[string]spec.VRRPInstanceStatus{"web": {VRRPInstanceState: spec.VRRPInstanceState{State: spec.InstanceActive}}}}
}

type fixture struct {
	*fakeDirector
	store   *store.Store
	handler http.Handler
	stop    func()
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := unheld()
	f.handler = held(t, f.config())
	return f
}

// unheld returns a fixture without a handler.
func unheld() *fixture {
	kept := store.InMemory()
	return &fixture{fakeDirector: &fakeDirector{store: kept}, store: kept}
}

func (f *fixture) config() Config {
	return Config{Store: f.store, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler)}
}

// held returns a handler all of whose answers are compared with the document.
func held(t testing.TB, c Config) http.Handler {
	t.Helper()
	open := c
	open.Tokens = nil
	return apitest.Held(t, apitest.Read(t, Handler(open)), Handler(c))
}

// call sends a request; header comes as name, value.
func (f *fixture) call(t *testing.T, method, path, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	answer := w.Result()
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func (f *fixture) want(t *testing.T, status int, method, path, body string, header ...string) string {
	t.Helper()
	answer := f.call(t, method, path, body, header...)
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Errorf("%s %s answered %d, want %d: %s", method, path, answer.StatusCode, status, data)
	}
	return string(data)
}

const (
	instance = `{"virtual_router_id":51,"interface":"eth0","priority":150,"advertisement_interval":"100ms","virtual_addresses":["192.0.2.100/24"]}`
	service  = `{"address":"192.0.2.100","port":80,"protocol":"tcp","scheduler":"wrr","forwarding_method":"dr","health_check":{"interval":"2s","timeout":"1s","rise":1,"fall":3,"tcp":{}}}`
	script   = `{"command":["/etc/lvs-agent/scripts/ping-gateway","192.0.2.1"],"interval":"2s","timeout":"1s","rise":2,"fall":3}`
	server   = `{"weight":1}`
	settings = `{"connection_sync":{"interface":"eth0"},"timeouts":{"tcp":"1h"},"sysctls":{"conntrack":true}}`

	instancePath = "/v1/vrrp-instances/web"
	servicePath  = "/v1/virtual-servers/web"
	serverURL    = "/v1/virtual-servers/web/real-servers/192.0.2.21:80"
	scriptPath   = "/v1/check-scripts/gateway"
	settingsPath = "/v1/ipvs-settings"
)

func TestObjectsAreCreatedReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, o := range []struct{ path, body, changed string }{
		{scriptPath, script, strings.Replace(script, `"rise":2`, `"rise":5`, 1)},
		{instancePath, instance, strings.Replace(instance, "150", "90", 1)},
		{servicePath, service, strings.Replace(service, "wrr", "rr", 1)},
		{serverURL, server, `{"weight":9}`},
		{"/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{}`, `{"weight":2}`},
		{settingsPath, settings, strings.Replace(settings, "1h", "2h", 1)},
	} {
		f.want(t, http.StatusNotFound, "GET", o.path, "")
		f.want(t, http.StatusCreated, "PUT", o.path, o.body)
		f.want(t, http.StatusOK, "PUT", o.path, o.body)
		first := f.call(t, "GET", o.path, "")
		f.want(t, http.StatusOK, "PUT", o.path, o.changed)
		second := f.call(t, "GET", o.path, "")
		if tag := first.Header.Get("ETag"); tag == "" || tag == second.Header.Get("ETag") {
			t.Errorf("%s: ETag %q before and %q after the change", o.path, tag, second.Header.Get("ETag"))
		}
	}
	for _, path := range []string{serverURL, instancePath, scriptPath, settingsPath} {
		f.want(t, http.StatusNoContent, "DELETE", path, "")
		f.want(t, http.StatusNoContent, "DELETE", path, "")
		f.want(t, http.StatusNotFound, "GET", path, "")
	}
}

func TestAnswerHasSpecStatusAndETag(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := f.want(t, http.StatusCreated, "PUT", instancePath, instance)
	etag := spec.ETag(f.store.Desired().VRRPInstances["web"])
	canonical, err := spec.Encode(f.store.Desired().VRRPInstances["web"])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"spec":` + string(canonical) + `,"status":{"state":"active","effective_priority":0,"adverts_sent":0,"adverts_unsent":0,"adverts_received":0,"became_active":0,"addresses_restored":0},"etag":"\"` + strings.Trim(etag, `"`) + `\""}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestPasswordIsTakenAndNeverAnswered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const with = `{"version":2,"auth_pass":"s3cret","auth_pass_version":1,"virtual_router_id":51,"interface":"eth0","virtual_addresses":["192.0.2.100/24"]}`
	var answers strings.Builder
	answers.WriteString(f.want(t, http.StatusOK, "PUT", instancePath+"?dry_run=true", with))
	answers.WriteString(f.want(t, http.StatusCreated, "PUT", instancePath, with))
	before, etag := f.store.Desired(), f.call(t, "GET", instancePath, "").Header.Get("ETag")
	if got := before.VRRPInstances["web"].AuthPass; string(got) != "s3cret" {
		t.Error("the password is not stored")
	}
	answers.WriteString(f.want(t, http.StatusOK, "PUT", instancePath, with))
	if f.store.Desired().Revision != before.Revision {
		t.Error("the same password is a change")
	}
	// Another password is a change that cannot be seen.
	answers.WriteString(f.want(t, http.StatusOK, "PUT", instancePath, strings.Replace(with, "s3cret", "s3cret2", 1), "If-Match", etag))
	if got := f.store.Desired().VRRPInstances["web"].AuthPass; string(got) != "s3cret2" {
		t.Error("another password is not stored")
	}
	if got := f.call(t, "GET", instancePath, "").Header.Get("ETag"); got != etag {
		t.Errorf("the ETag tells passwords apart: %s, was %s", got, etag)
	}
	for _, path := range []string{instancePath, "/v1/vrrp-instances", "/v1/snapshot", "/v1/status"} {
		answers.WriteString(f.want(t, http.StatusOK, "GET", path, ""))
	}
	answers.WriteString(f.want(t, http.StatusUnprocessableEntity, "PUT", instancePath, strings.Replace(with, "s3cret", "s3cret-too-long", 1)))
	if strings.Contains(answers.String(), "s3cret") || !strings.Contains(answers.String(), `"auth_pass_version":1`) {
		t.Errorf("answers: %s", answers.String())
	}
}

func TestPutAlwaysAppliesAlsoWhenNothingChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	revision := f.store.Desired().Revision
	f.want(t, http.StatusOK, "PUT", servicePath, service)
	if got := f.applied.Load(); got != 2 {
		t.Errorf("applied %d times, want 2", got)
	}
	if got := f.store.Desired().Revision; got != revision {
		t.Errorf("revision went from %d to %d, want it unchanged", revision, got)
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusOK, "PUT", servicePath+"?dry_run=true", service)
	body := f.want(t, http.StatusOK, "PUT", serverURL+"?dry_run=true", server)
	if !strings.Contains(body, `"unresolved":[{"pointer":"/virtual_server","detail":"virtual server \"web\" does not exist`) {
		t.Errorf("the missing service is not listed: %s", body)
	}
	f.want(t, http.StatusUnprocessableEntity, "PUT", servicePath+"?dry_run=true", strings.Replace(service, "wrr", "best", 1))
	if d := f.store.Desired(); d.Revision != 0 || f.applied.Load() != 0 {
		t.Errorf("revision %d, applied %d times; want neither", d.Revision, f.applied.Load())
	}
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	change := func(body, from, to string) string { return strings.Replace(body, from, to, 1) }
	for name, tt := range map[string]struct {
		path, body string
		status     int
		pointer    string
	}{
		"VRID":                       {instancePath, change(instance, "51", "256"), 422, "/virtual_router_id"},
		"priority":                   {instancePath, change(instance, "150", "0"), 422, "/priority"},
		"duration":                   {instancePath, change(instance, "100ms", "fast"), 400, "/advertisement_interval"},
		"interval between the steps": {instancePath, change(instance, "100ms", "15ms"), 422, "/advertisement_interval"},
		"virtual address":            {instancePath, change(instance, "192.0.2.100/24", "192.0.2.100"), 400, "/virtual_addresses/0"},
		"missing script":             {instancePath, change(instance, "}", `,"track_scripts":{"nope":{"weight":-60}}}`), 422, "/track_scripts/nope"},
		"address":                    {servicePath, change(service, "192.0.2.100", "192.0.2.300"), 400, "/address"},
		"port":                       {servicePath, change(service, "80", "0"), 422, "/port"},
		"scheduler":                  {servicePath, change(service, "wrr", "best"), 422, "/scheduler"},
		"forwarding method":          {servicePath, change(service, `"dr"`, `"proxy"`), 422, "/forwarding_method"},
		"check without a kind":       {servicePath, change(service, `,"tcp":{}`, ""), 422, "/health_check"},
		"unknown field":              {servicePath, change(service, "scheduler", "schedular"), 400, "/schedular"},
		"other case":                 {servicePath, change(service, "port", "Port"), 400, "/Port"},
		"field given twice":          {servicePath, change(service, `"port":80`, `"port":80,"port":81`), 400, "/port"},
		"no JSON":                    {servicePath, "scheduler=wrr", 400, ""},
		"server without its service": {"/v1/virtual-servers/nope/real-servers/192.0.2.21:80", server, 422, "/virtual_server"},
		"server that is no address":  {"/v1/virtual-servers/web/real-servers/rs1:80", server, 422, "/address"},
		"key that is not canonical":  {"/v1/virtual-servers/web/real-servers/[2001:DB8::1]:80", server, 422, "/address"},
		"port that dr cannot map":    {"/v1/virtual-servers/there/real-servers/192.0.2.21:81", server, 409, "/port"},
		"weight":                     {"/v1/virtual-servers/there/real-servers/192.0.2.21:8080", `{"weight":-1}`, 422, "/weight"},
		"service that is taken":      {servicePath, change(service, `"port":80`, `"port":8080`), 409, "/address"},
		"name":                       {"/v1/virtual-servers/Web%20", service, 422, "/name"},
		"relative command":           {scriptPath, change(script, "/etc", "etc"), 422, "/command/0"},
		"part of a second":           {settingsPath, change(settings, "1h", "1500ms"), 422, "/timeouts/tcp"},
		"group of one machine":       {settingsPath, change(settings, `"eth0"`, `"eth0","group":"192.0.2.1"`), 422, "/connection_sync/group"},
		"following nobody":           {settingsPath, change(settings, `"eth0"`, `"eth0","follow":"web"`), 422, "/connection_sync/follow"},
		"sysctl that is not ours":    {settingsPath, change(settings, "conntrack", "tcp_syncookies"), 400, "/sysctls/tcp_syncookies"},
		"timeout above the interval": {scriptPath, change(script, `"1s"`, `"1m"`), 422, "/timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.want(t, http.StatusCreated, "PUT", "/v1/virtual-servers/there", change(service, `"port":80`, `"port":8080`))
			before := f.store.Desired()
			answer := f.call(t, "PUT", tt.path, tt.body)
			var p spec.Problem
			if err := json.UnmarshalRead(answer.Body, &p); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != tt.status || answer.Header.Get("Content-Type") != problemType || p.Detail == "" {
				t.Errorf("answered %d %s %+v, want %d and a problem", answer.StatusCode, answer.Header.Get("Content-Type"), p, tt.status)
			}
			if len(p.Errors) != 1 || p.Errors[0].Pointer != tt.pointer {
				t.Errorf("errors %+v, want one at %q", p.Errors, tt.pointer)
			}
			if after := f.store.Desired(); after.Revision != before.Revision {
				t.Errorf("the revision went from %d to %d", before.Revision, after.Revision)
			}
		})
	}
}

func TestWhatTheMachineRefusesIsNotStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refuse = spec.FieldErrors{{Pointer: "/interface", Detail: "eth9 does not exist"}}
	body := f.want(t, http.StatusUnprocessableEntity, "PUT", instancePath, instance)
	if !strings.Contains(body, `"errors":[{"pointer":"/interface","detail":"eth9 does not exist"}]`) {
		t.Errorf("answered %s", body)
	}
	if f.store.Desired().Revision != 0 {
		t.Error("it was stored")
	}
}

func TestFailedApplyIsSaidAndStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.applyErr = errors.New("netlink is out of order")
	body := f.want(t, http.StatusInternalServerError, "PUT", servicePath, service)
	if !strings.Contains(body, "netlink is out of order") || len(f.store.Desired().VirtualServers) != 1 {
		t.Errorf("answered %s, stored %v", body, f.store.Desired().VirtualServers)
	}
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := strings.Replace(service, "wrr", "rr", 1)
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-Match", `"nothing"`)
	f.want(t, http.StatusCreated, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k1")
	f.want(t, http.StatusOK, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k1")
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-None-Match", "*", "Idempotency-Key", "k2")
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-None-Match", "*")

	tag := f.call(t, "GET", servicePath, "").Header.Get("ETag")
	f.want(t, http.StatusOK, "PUT", servicePath, other, "If-Match", tag)
	f.want(t, http.StatusOK, "PUT", servicePath, other, "If-Match", tag) // the repetition finds its spec there
	f.want(t, http.StatusPreconditionFailed, "PUT", servicePath, service, "If-Match", tag)
	f.want(t, http.StatusPreconditionFailed, "DELETE", servicePath, "", "If-Match", tag)
}

func TestServiceWithServersIsDeletedOnlyInCascade(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusCreated, "PUT", serverURL, server)
	if body := f.want(t, http.StatusConflict, "DELETE", servicePath, ""); !strings.Contains(body, "192.0.2.21:80") {
		t.Errorf("the server is not named: %s", body)
	}
	f.want(t, http.StatusNoContent, "DELETE", servicePath+"?cascade=true", "")
	if d := f.store.Desired(); len(d.RealServers) != 0 || len(d.VirtualServers) != 0 {
		t.Errorf("left: %+v", d)
	}
}

func TestReferencedCheckScriptMayGo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", scriptPath, script)
	f.want(t, http.StatusCreated, "PUT", instancePath, strings.Replace(instance, "}", `,"track_scripts":{"gateway":{"weight":-60}}}`, 1))
	f.want(t, http.StatusNoContent, "DELETE", scriptPath, "")
}

func TestSnapshotAnswersNotModified(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusCreated, "PUT", serverURL, server)
	first := f.call(t, "GET", "/v1/snapshot", "")
	var s spec.Snapshot
	if err := json.UnmarshalRead(first.Body, &s); err != nil {
		t.Fatal(err)
	}
	if got := s.VirtualServers["web"].RealServers["192.0.2.21:80"].Spec.Weight; got != 1 || s.Revision != 2 {
		t.Errorf("snapshot %+v", s)
	}
	tag := first.Header.Get("ETag")
	f.want(t, http.StatusNotModified, "GET", "/v1/snapshot", "", "If-None-Match", tag)
	f.want(t, http.StatusOK, "PUT", serverURL, `{"weight":5}`)
	f.want(t, http.StatusOK, "GET", "/v1/snapshot", "", "If-None-Match", tag)
}

func TestHealthEndpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusOK, "GET", "/livez", "")
	f.want(t, http.StatusOK, "GET", "/readyz", "")
	f.ready = errors.New("the table was not read yet")
	f.want(t, http.StatusOK, "GET", "/livez", "")
	if body := f.want(t, http.StatusServiceUnavailable, "GET", "/readyz", ""); !strings.Contains(body, "not read yet") {
		t.Errorf("answered %s", body)
	}
}

func TestOpenAPINamesEveryRouteAndItsBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.want(t, http.StatusOK, "GET", "/v1/openapi.json", "")
	for _, want := range []string{
		`"openapi":"3.1.0"`, `"/v1/vrrp-instances/{name}"`, `"/v1/virtual-servers/{name}/real-servers/{server}"`,
		`"/v1/check-scripts/{name}"`, `"/v1/ipvs-settings"`, `"$ref":"#/components/schemas/IPVSSettings"`, `"/v1/snapshot"`, `"/v1/status"`, `"/livez"`, `"$ref":"#/components/schemas/VirtualServer"`,
	} {
		if !strings.Contains(document, want) {
			t.Errorf("%s is not in the document", want)
		}
	}
	if strings.Contains(document, "binary") {
		t.Error("a body is described as binary")
	}
}

func TestMetricsAreComputedFromTheStatus(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if body := f.want(t, http.StatusOK, "GET", "/metrics", ""); !strings.Contains(body, `lvs_vrrp_instance_state{instance="web",state="active"} 1`) {
		t.Errorf("answered %s", body)
	}
}

func TestUnknownPathEmptyAndLargeBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusNotFound, "GET", "/v2/status", "")
	f.want(t, http.StatusNotFound, "PUT", "/", "")
	if answer := f.call(t, "POST", servicePath, service); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, PUT, DELETE" {
		t.Errorf("POST was answered %d, Allow %q", answer.StatusCode, answer.Header.Get("Allow"))
	}
	f.want(t, http.StatusBadRequest, "PUT", servicePath, "")
	f.want(t, http.StatusRequestEntityTooLarge, "PUT", servicePath, `{"address":"`+strings.Repeat("1", MaxBody)+`"}`)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens(fmt.Appendf(nil, "# who\n\nmonitoring read sha256:%x\nsecret-of-terraform\n", sha256.Sum256([]byte("looker"))))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.handler = newGuard(Config{Tokens: tokens, Log: slog.New(slog.DiscardHandler)}, f.handler)
	f.want(t, http.StatusOK, "GET", "/livez", "")
	f.want(t, http.StatusUnauthorized, "GET", "/v1/status", "")
	f.want(t, http.StatusUnauthorized, "GET", "/metrics", "")
	f.want(t, http.StatusUnauthorized, "GET", "/v1/status", "", "Authorization", "Bearer wrong")
	f.want(t, http.StatusOK, "GET", "/v1/status", "", "Authorization", "Bearer looker")
	f.want(t, http.StatusForbidden, "PUT", servicePath, service, "Authorization", "Bearer looker")
	f.want(t, http.StatusForbidden, "GET", backupPath, "", "Authorization", "Bearer looker") // there are secrets in it
	f.want(t, http.StatusCreated, "PUT", servicePath, service, "Authorization", "Bearer secret-of-terraform")
}

func TestFileOfOneWordIsAToken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"secret", "secret\n", "\nsecret\n"} {
		tokens, err := ParseTokens([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if found, ok := tokens.find("secret"); !ok || found.scope != ScopeWrite {
			t.Errorf("%q: found %t, scope %q", text, ok, found.scope)
		}
	}
}

func TestParseTokensRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":               {"# none\n", "no token"},
		"unknown scope":         {"a admin sha256:00\n", "1: the scope"},
		"no hash":               {"\na read secret\n", "2: the third word"},
		"short hash":            {"a read sha256:0011\n", "1: the third word"},
		"two words":             {"a secret\n", "1: a line is"},
		"a name alone":          {"# who\nterraform\n", "2: one word alone is a token, and this one is too short"},
		"an open end":           {fmt.Sprintf("a read sha256:%x\nb write sha256:%[1]x", sha256.Sum256([]byte("secret"))), "2: the last line does not end"},
		"an expiry that is cut": {fmt.Sprintf("a read sha256:%x 2027-12-31", sha256.Sum256([]byte("secret"))), "1: the last line does not end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseTokens([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want one with %q that keeps the secret", err, tt.want)
			}
		})
	}
}

func FuzzParseTokens(f *testing.F) {
	f.Add([]byte("a read sha256:00\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tokens, err := ParseTokens(data)
		if (err == nil) != (tokens != nil && len(tokens.file.get()) > 0) {
			t.Errorf("tokens %v with error %v", tokens, err)
		}
	})
}

func TestDryRunSaysWhatTheMachineWouldNotDoWell(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Version: "test", Log: slog.New(slog.DiscardHandler), Doubts: func(v any) spec.FieldErrors {
		return spec.FieldErrors{{Pointer: "/command", Detail: fmt.Sprintf("doubtful: %T", v)}}
	}})
	const body = `{"command":["/scripts/ping"]}`
	if got := f.want(t, http.StatusOK, "PUT", "/v1/check-scripts/a?dry_run=true", body); !strings.Contains(got, `"warnings":[{"pointer":"/command","detail":"doubtful: spec.CheckScript"}]`) {
		t.Errorf("answered %s", got)
	}
	if got := f.want(t, http.StatusCreated, "PUT", "/v1/check-scripts/a", body); strings.Contains(got, "warnings") {
		t.Errorf("the PUT itself answered %s", got)
	}
}
