package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	groupURL = "/v1/virtual-servers/web/real-servers"
	group    = `{"servers":{"192.0.2.21:80":{"weight":1},"192.0.2.22:80":{}}}`
)

func TestGroupIsAllRealServersAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusUnprocessableEntity, "PUT", groupURL, group) // without its service
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusNotFound, "GET", groupURL, "")
	f.want(t, http.StatusCreated, "PUT", groupURL, group, "If-None-Match", "*")
	applied, revision := f.applied.Load(), f.store.Desired().Revision
	f.want(t, http.StatusOK, "PUT", groupURL, group)
	if f.applied.Load() != applied+1 || f.store.Desired().Revision != revision {
		t.Error("the same again was not just applied")
	}
	f.busy = true
	f.want(t, http.StatusOK, "PUT", groupURL, `{"servers":{"192.0.2.22:80":{"weight":5},"192.0.2.23:80":{}}}`)
	d := f.store.Desired()
	if d.RealServers.Count() != 2 || d.Drains.Count() != 1 || d.Revision != revision+1 {
		t.Errorf("stored in %d steps: %+v, %+v", d.Revision-revision, d.RealServers, d.Drains)
	}
	f.want(t, http.StatusOK, "PUT", groupURL, group) // the one that drains is back
	if d := f.store.Desired(); d.Drains.Count() != 1 || d.RealServers.Count() != 2 {
		t.Errorf("stored: %+v, %+v", d.RealServers, d.Drains)
	}
	f.want(t, http.StatusAccepted, "DELETE", groupURL, "")
	if body := f.want(t, http.StatusOK, "GET", groupURL, ""); !strings.Contains(body, `"servers":{}`) {
		t.Errorf("it says %s", body)
	}
	f.want(t, http.StatusNoContent, "DELETE", groupURL+"?drain=0s", "")
	f.want(t, http.StatusNotFound, "GET", groupURL, "")
	f.want(t, http.StatusCreated, "PUT", serverURL, server) // one by one again
}

func TestGroupAndSingleServersExcludeOneAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusCreated, "PUT", serverURL, server)
	f.want(t, http.StatusPreconditionFailed, "PUT", groupURL, group, "If-None-Match", "*")
	if _, owned := f.store.Desired().Group("web"); owned {
		t.Error("the group was made over somebody's server")
	}
	f.want(t, http.StatusOK, "PUT", groupURL, `{"servers":{"192.0.2.21:80":{}}}`) // on purpose, and with what is there
	if _, owned := f.store.Desired().Group("web"); !owned {
		t.Error("the server that is there was not taken over")
	}
	for method, path := range map[string]string{"PUT": serverURL, "DELETE": serverURL} {
		if body := f.want(t, http.StatusConflict, method, path, server); !strings.Contains(body, "are one group") {
			t.Errorf("%s says %s", method, body)
		}
	}
	f.want(t, http.StatusOK, "PUT", serverURL+"?ungroup=true&dry_run=true", server)
	if _, owned := f.store.Desired().Group("web"); !owned {
		t.Error("a dry run dissolved the group")
	}
	f.want(t, http.StatusOK, "PUT", serverURL+"?ungroup=true", server) // on purpose
	f.want(t, http.StatusOK, "PUT", serverURL+"?ungroup=true", server)
	if d := f.store.Desired(); len(d.Groups) != 0 || d.RealServers.Count() != 1 || d.Drains.Count() != 0 {
		t.Errorf("without the group: %+v", d)
	}
	f.want(t, http.StatusOK, "PUT", groupURL, `{"servers":{"192.0.2.21:80":{}}}`)
	f.want(t, http.StatusOK, "POST", serverURL+"/drain", "") // maintenance is nobody's spec
	f.want(t, http.StatusNoContent, "DELETE", serverURL+"/drain", "")
	f.want(t, http.StatusConflict, "DELETE", servicePath, "")
	f.want(t, http.StatusNoContent, "DELETE", servicePath+"?cascade=true", "")
	if d := f.store.Desired(); len(d.Groups)+d.RealServers.Count()+d.Drains.Count() != 0 {
		t.Errorf("left: %+v", d)
	}
}

func TestGroupSaysWhichServerIsWrong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	for body, want := range map[string]string{
		`{"servers":{"192.0.2.21:80":{"weight":70000}}}`:         `"pointer":"/servers/192.0.2.21:80/weight"`,
		`{"servers":{"192.0.2.21":{}}}`:                          `"pointer":"/servers/192.0.2.21","detail":"\"192.0.2.21\" is not address:port`,
		`{"servers":{"224.0.0.1:80":{}}}`:                        `"pointer":"/servers/224.0.0.1:80"`,
		`{"servers":{"192.0.2.21:81":{}}}`:                       `"pointer":"/servers/192.0.2.21:81"`,
		`{"servers":{"192.0.2.21:80":{"wieght":1}}}`:             `"pointer":"/servers/192.0.2.21:80/wieght"`,
		`{"servers":{"192.0.2.21:80":{},"192.0.2.21:80":{}}}`:    `twice`,
		`{"servers":{"192.0.2.21:80":{"health_check":{}}}}`:      `"pointer":"/servers/192.0.2.21:80/health_check"`,
		`{"servers":{"192.0.2.21:80":{"on_failure":"explode"}}}`: `"pointer":"/servers/192.0.2.21:80/on_failure"`,
	} {
		answer := f.call(t, "PUT", groupURL, body)
		text := f.want(t, answer.StatusCode, "PUT", groupURL, body)
		if answer.StatusCode < 400 || !strings.Contains(text, want) {
			t.Errorf("%s answered %d %s, want %s", body, answer.StatusCode, text, want)
		}
	}
	if n := f.store.Desired().RealServers.Count(); n != 0 {
		t.Errorf("%d servers are stored", n)
	}
}

func TestTenThousandServersAreOneRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	var servers []string
	for i := range 10_000 {
		servers = append(servers, fmt.Sprintf(`"10.0.%d.%d:80":{"weight":1}`, i/250, i%250+1))
	}
	revision := f.store.Desired().Revision
	f.want(t, http.StatusCreated, "PUT", groupURL, `{"servers":{`+strings.Join(servers, ",")+`}}`)
	if d := f.store.Desired(); d.RealServers.Count() != 10_000 || d.Revision != revision+1 || f.applied.Load() != 2 {
		t.Errorf("%d servers in %d steps", d.RealServers.Count(), d.Revision-revision)
	}
	if body := f.want(t, http.StatusConflict, "DELETE", servicePath, ""); !strings.Contains(body, "and 9990 more") || len(body) > 1000 {
		t.Errorf("it says %.1000s", body)
	}
}
