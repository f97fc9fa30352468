package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var (
	pager        = spec.HookID{Kind: spec.KindVRRPInstance, Object: "web", Name: "pager"}
	notification = spec.Notification{Director: "d1", SyncGroup: "all", Event: spec.Event{
		Revision: 17, Time: time.Date(2026, 11, 21, 12, 22, 34, 0, time.UTC), Type: spec.EventStateChanged, Kind: spec.KindVRRPInstance, Name: "web", Reason: "the other router left",
		State: &spec.StateChange{From: "backup", To: "active", EffectivePriority: 150},
	}}
)

const notificationJSON = `{"director":"d1","event":{"revision":17,"time":"2026-11-21T12:22:34Z","type":"state_changed","kind":"vrrp_instance","name":"web",` +
	`"reason":"the other router left","state":{"from":"backup","to":"active","effective_priority":150}},"sync_group":"all"}`

func webhook(url string) spec.Hook {
	v := spec.DefaultHook()
	v.Webhook = &spec.Webhook{URL: url}
	return v
}

// tell tells a hook once, and returns what a person would read.
func tell(t *testing.T, w *Network, v spec.Hook) string {
	t.Helper()
	result, err := w.Tell(t.Context(), pager, v, notification)
	text := map[Result]string{Untold: "untold", Told: "told", Refused: "refused"}[result]
	if err != nil {
		text += ": " + err.Error()
	}
	return text
}

// The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// and its libraries' tests.
func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	key := (&spec.Webhook{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}).Key()
	got := signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWebhookIsSignedJSON(t *testing.T) {
	t.Parallel()
	const secret = "a key of twenty-four bytes or more"
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(notificationJSON, string(body)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if got, want := r.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature %s, want %s", got, want)
		}
		if got := r.Method + " " + r.Header.Get("Content-Type"); got != "POST application/json" {
			t.Error(got)
		}
		ids = append(ids, r.Header.Get("webhook-id"))
	}))
	defer server.Close()
	v := webhook(server.URL)
	v.Webhook.Secret = secret
	w := NewNetwork(nil)
	for range 2 {
		if got := tell(t, w, v); got != "told" {
			t.Error(got)
		}
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("the ids of one notification are %q", ids)
	}
}

func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/hangs", func(http.ResponseWriter, *http.Request) { <-hang })
	mux.HandleFunc("/answers/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.PathValue("status"), &status)
		w.Header().Set("Location", "/answers/200")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "\nbecause\nof that")
	})
	mux.HandleFunc("/talks", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for range 1000 {
			_, _ = io.WriteString(w, strings.Repeat("a", 1000))
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	gone := httptest.NewServer(mux)
	gone.Close()
	for at, want := range map[string]string{
		server.URL + "/answers/200": "told",
		server.URL + "/answers/204": "told",
		server.URL + "/answers/307": "untold: 307 Temporary Redirect: because of that",
		server.URL + "/answers/400": "refused: 400 Bad Request: because of that",
		server.URL + "/answers/404": "untold: 404 Not Found: because of that",
		server.URL + "/answers/413": "refused: 413 Request Entity Too Large: because of that",
		server.URL + "/answers/422": "refused: 422 Unprocessable Entity: because of that",
		server.URL + "/answers/429": "untold: 429 Too Many Requests: because of that",
		server.URL + "/answers/503": "untold: 503 Service Unavailable: because of that",
		server.URL + "/hangs":       "untold: not done within 200ms",
		server.URL + "/talks":       "untold: 500 Internal Server Error: " + strings.Repeat("a", spec.MaxReason) + "…",
		gone.URL:                    "untold: dial tcp " + strings.TrimPrefix(gone.URL, "http://") + ": connect: connection refused",
	} {
		t.Run(at[strings.LastIndex(at, "/")+1:], func(t *testing.T) {
			t.Parallel()
			v := webhook(at)
			if strings.HasSuffix(at, "hangs") {
				v.Timeout = spec.Duration(200 * time.Millisecond)
			}
			if diff := cmp.Diff(want, tell(t, NewNetwork(nil), v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWebhookTrustsTheAuthoritiesItIsGiven(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	v := webhook(server.URL)
	if got := tell(t, NewNetwork(nil), v); !strings.Contains(got, "untold: tls: failed to verify certificate") {
		t.Error(got)
	}
	v.Webhook.CACertPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if got := tell(t, NewNetwork(nil), v); got != "told" {
		t.Error(got)
	}
}

// A web server that is down at first misses nothing, and gets it in order.
func TestWebServerThatFailsAtFirstIsToldEverythingInOrder(t *testing.T) {
	t.Parallel()
	var (
		mu       sync.Mutex
		requests int
		got      []string
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if requests++; requests <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var n spec.Notification
		if err := spec.DecodeAnswer(r.Body, &n); err != nil {
			t.Error(err)
		}
		got = append(got, n.Event.State.To)
	}))
	t.Cleanup(server.Close)
	d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": webhook(server.URL)})
	h := d.hooks(NewNetwork(nil))
	running(t, h)
	d.log.Publish(instanceBecame("backup"), instanceBecame("active"), instanceBecame("fault"))
	await(func() bool { return h.Status()["vrrp_instance/web/pager"].Delivered >= 3 })
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"backup", "active", "fault"}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := h.Status()["vrrp_instance/web/pager"]; got.Failures != 2 {
		t.Errorf("%+v", got)
	}
}

// scripts returns a Network whose scripts are in a folder, and the path of one with that body, which may write to the
// file that it finds as $OUT.
func scripts(t *testing.T, body string) (w *Network, path, out string) {
	t.Helper()
	dir := t.TempDir()
	for _, above := range []string{dir, filepath.Dir(dir)} { // a script may run as another user than the test
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path, out = filepath.Join(dir, "script"), filepath.Join(dir, "out")
	if err := os.WriteFile(out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(out, 0o666); err != nil { // whatever the umask
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\nOUT="+out+"\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	programs := sandbox.New(sandbox.Config{Directory: dir, User: "nobody", Limits: sandbox.Limits{CPUTime: spec.Duration(time.Minute), Memory: 1 << 30, Processes: 10_000}})
	t.Cleanup(func() {
		if err := programs.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewNetwork(programs), path, out
}

// Not parallel, like all tests here that write a program and run it: between fork and exec a child of
// one test would hold the other's program open for writing, which cannot be executed then.
func TestProgramIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		style spec.HookStyle
		body  string
		want  string
	}{
		"by its input":                  {spec.HookEvent, `cat >$OUT`, notificationJSON},
		"by variables":                  {spec.HookEvent, `env | grep ^LVS_ | sort | tr '\n' ' ' >$OUT`, "LVS_DIRECTOR=d1 LVS_FROM=backup LVS_KIND=vrrp_instance LVS_NAME=web LVS_PRIORITY=150 LVS_REASON=the other router left LVS_REVISION=17 LVS_SYNC_GROUP=all LVS_TIME=2026-11-21T12:22:34Z LVS_TO=active LVS_TYPE=state_changed "},
		"by its own arguments alone":    {spec.HookEvent, `printf '%s,' "$@" >$OUT`, "own,"},
		"as keepalived tells":           {spec.HookKeepalived, `printf '%s,' "$@" >$OUT`, "own,INSTANCE,web,MASTER,150,"},
		"as keepalived tells of groups": {spec.HookKeepalivedGroup, `printf '%s,' "$@" >$OUT`, "own,GROUP,all,MASTER,0,"},
	} {
		t.Run(name, func(t *testing.T) {
			w, path, out := scripts(t, tt.body)
			v := script(func(v *spec.Hook) { v.Command, v.Style = []string{path, "own"}, tt.style })
			if got := tell(t, w, v); got != "told" {
				t.Error(got)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("the program found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProgramResults(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string
		timeout time.Duration
		change  func(path string) error
		want    string
	}{
		"fails":          {"echo no route; exit 3", patience, nil, "told: exit status 3: no route"},
		"hangs":          {"sleep 60", 200 * time.Millisecond, nil, "told: not done within 200ms"},
		"becomes unsafe": {"exit 0", patience, func(path string) error { return os.Chmod(path, 0o777) }, "untold: PATH can be changed by others (mode 0777): chmod go-w PATH"},
		"is not there":   {"exit 0", patience, os.Remove, "untold: PATH: does not exist on this director: put the program there"},
		"reads no input": {"exec <&-; exit 0", patience, nil, "told"},
	} {
		t.Run(name, func(t *testing.T) {
			w, path, _ := scripts(t, tt.body)
			if tt.change != nil {
				if err := tt.change(path); err != nil {
					t.Fatal(err)
				}
			}
			v := script(func(v *spec.Hook) { v.Command, v.Timeout = []string{path}, spec.Duration(tt.timeout) })
			if diff := cmp.Diff(tt.want, strings.ReplaceAll(tell(t, w, v), path, "PATH")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An agent that stops kills a hook that does not end; the next agent tells it again.
func TestProgramThatIsKilledWithTheAgentIsToldAgain(t *testing.T) {
	w, path, _ := scripts(t, "sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	result, err := w.Tell(ctx, pager, script(func(v *spec.Hook) { v.Command = []string{path} }), notification)
	if result != Untold || err == nil {
		t.Errorf("%d, %v", result, err)
	}
}

func TestKeepalivedsWordsForStates(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, state := range spec.InstanceStates() {
		got[state] = keepalivedState(state)
	}
	want := map[string]string{"active": "MASTER", "backup": "BACKUP", "fault": "FAULT", "initialize": "STOP"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
