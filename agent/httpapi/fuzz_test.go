package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/lvs-director/terraform-provider-lvs/agent/httpapi/apitest"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// replaced is a Store in whose place another one is put.
type replaced struct{ Store }

// Whatever is sent to whatever path, the answer is one of the API's, and no failure of the agent's own.
func FuzzRequest(f *testing.F) {
	for _, o := range []struct{ path, body string }{
		{scriptPath, script}, {instancePath, instance}, {servicePath, service}, {serverURL, server}, {settingsPath, settings},
		{"/v1/virtual-servers/web/real-servers", `{"servers":{"192.0.2.21:80":{"weight":1}}}`},
	} {
		f.Add("PUT", o.path, "dry_run=true", o.body)
		f.Add("PUT", o.path, "", o.body)
		f.Add("DELETE", o.path, "cascade=true&drain=0s", "")
	}
	f.Add("POST", serverURL+"/drain", "", "")
	f.Add("GET", "/v1/snapshot", "wait=1ms", "")
	f.Add("PUT", "/v1/virtual-servers/..%2f..%2fetc", "", service)
	f.Add("PUT", "/v1/virtual-servers/a\x00b", "", service)
	f.Add("PUT", servicePath, "", strings.Repeat("[", 10_000))
	f.Add("PUT", servicePath, "", "{\"address\":\"\xff\"}")
	f.Add("PUT", serverURL, "", `{"weight":1e99}`)
	// The handler and its document cost a thousand times what a request does: each has a store of its own instead.
	fixture, kept := unheld(), &replaced{}
	config := fixture.config()
	config.Store = kept
	handler := Handler(config)
	document := apitest.Read(f, handler)
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if strings.Contains(query, "wait") || strings.HasPrefix(path, "/v1/events") {
			return // it waits
		}
		fixture.store = store.InMemory()
		fixture.fakeDirector.store, kept.Store = fixture.store, fixture.store
		fixture.handler = apitest.Held(t, document, handler)
		fixture.want(t, http.StatusCreated, http.MethodPut, servicePath, service)
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			return // no client could send it
		}
		r.URL = &url.URL{Path: path, RawQuery: query}
		w := httptest.NewRecorder()
		fixture.handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %q?%s %q answered %d: %s", method, path, query, body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != problemType {
			return
		}
		var p spec.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Detail == "" {
			t.Errorf("answered %d with %s: %v", w.Code, w.Body, err)
		}
	})
}
