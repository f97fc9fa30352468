package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func newBusyFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusCreated, "PUT", serverURL, server)
	f.busy = true
	return f
}

func (f *fixture) drain(t *testing.T) (spec.Drain, bool) {
	t.Helper()
	key, err := spec.ParseServerKey("web/192.0.2.21:80")
	if err != nil {
		t.Fatal(err)
	}
	d, ok := f.store.Desired().Drains.Get(key)
	return d, ok
}

func TestServerWithConnectionsIsThereUntilTheyHaveEnded(t *testing.T) {
	t.Parallel()
	f := newBusyFixture(t)
	f.want(t, http.StatusOK, "PUT", serverURL, `{"weight":7}`)
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "")
	drain, _ := f.drain(t)
	if !drain.Removes() || drain.Timeout.Std() != 30*time.Second || f.store.Desired().RealServers.Count() != 0 {
		t.Errorf("drain is %+v", drain)
	}
	if body := f.want(t, http.StatusOK, "GET", serverURL, ""); !strings.Contains(body, `"weight":7`) {
		t.Errorf("it is not what it was: %s", body)
	}
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "") // again: the clock goes on
	if again, _ := f.drain(t); !again.Since.Equal(drain.Since) {
		t.Error("deleting it again began a new drain")
	}
	if body := f.want(t, http.StatusOK, "GET", "/v1/snapshot", ""); strings.Contains(body, "192.0.2.21:80") {
		t.Errorf("it is still asked for: %s", body)
	}
	f.busy = false
	f.want(t, http.StatusNoContent, "DELETE", serverURL, "")
	f.want(t, http.StatusNotFound, "GET", serverURL, "")
	f.want(t, http.StatusNoContent, "DELETE", serverURL, "")
}

func TestDrainTakesAsLongAsTheRequestTheServerOrTheServiceSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		service, server, query string
		want                   time.Duration // 0 is at once
	}{
		"nobody says":               {"", `{}`, "", 30 * time.Second},
		"the service says":          {`"drain_timeout":"5m",`, `{}`, "", 5 * time.Minute},
		"the server says":           {`"drain_timeout":"5m",`, `{"drain_timeout":"1h"}`, "", time.Hour},
		"the server says at once":   {`"drain_timeout":"5m",`, `{"drain_timeout":"0s"}`, "", 0},
		"the service says at once":  {`"drain_timeout":"0s",`, `{}`, "", 0},
		"the request says":          {`"drain_timeout":"5m",`, `{"drain_timeout":"1h"}`, "?drain=10s", 10 * time.Second},
		"the request says at once":  {"", `{"drain_timeout":"1h"}`, "?drain=0s", 0},
		"the request says to drain": {"", `{"drain_timeout":"0s"}`, "?drain=1m", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.busy = true
			f.want(t, http.StatusCreated, "PUT", servicePath, strings.Replace(service, "{", "{"+test.service, 1))
			f.want(t, http.StatusCreated, "PUT", serverURL, test.server)
			status := http.StatusAccepted
			if test.want == 0 {
				status = http.StatusNoContent
			}
			f.want(t, status, "DELETE", serverURL+test.query, "")
			if drain, _ := f.drain(t); drain.Timeout.Std() != test.want {
				t.Errorf("the drain takes %s, want %s", drain.Timeout, test.want)
			}
		})
	}
}

func TestServerThatIsPutAgainStaysOrIsCut(t *testing.T) {
	t.Parallel()
	f := newBusyFixture(t)
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "")
	f.want(t, http.StatusCreated, "PUT", serverURL, server, "If-None-Match", "*")
	if _, draining := f.drain(t); draining {
		t.Error("it is still being removed")
	}
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "")
	f.want(t, http.StatusNoContent, "DELETE", serverURL+"?drain=0s", "") // impatient after all
	f.want(t, http.StatusNotFound, "GET", serverURL, "")
}

func TestBadDrainIsRefused(t *testing.T) {
	t.Parallel()
	f := newBusyFixture(t)
	for path, want := range map[string]string{
		serverURL + "?drain=soon":                   "is not a duration",
		serverURL + "?drain=-1s":                    "is out of range",
		serverURL + "?drain=25h":                    "is out of range",
		servicePath + "?cascade=true&drain=1s":      "delete its real servers first, which drain",
		instancePath + "?drain=1s":                  "only real servers have connections",
		"/v1/check-scripts/gateway?drain=1s":        "only real servers have connections",
		"/v1/ipvs-settings?drain=1s":                "only real servers have connections",
		"/v1/virtual-servers/web?drain=1s&x=ignore": "delete its real servers first",
	} {
		if body := f.want(t, http.StatusUnprocessableEntity, "DELETE", path, ""); !strings.Contains(body, want) {
			t.Errorf("DELETE %s says %s, want %q", path, body, want)
		}
	}
	if _, draining := f.drain(t); draining || f.store.Desired().RealServers.Count() != 1 {
		t.Error("something was changed")
	}
}

func TestServiceWaitsForItsDrainsUnlessTheyAreCut(t *testing.T) {
	t.Parallel()
	f := newBusyFixture(t)
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "")
	if body := f.want(t, http.StatusConflict, "DELETE", servicePath, ""); !strings.Contains(body, "have not ended yet: wait until 192.0.2.21:80") {
		t.Errorf("it says %s", body)
	}
	f.want(t, http.StatusNoContent, "DELETE", servicePath+"?cascade=true", "")
	if d := f.store.Desired(); len(d.VirtualServers)+d.RealServers.Count()+d.Drains.Count() != 0 {
		t.Errorf("left: %+v", d)
	}
}

func TestMaintenanceLastsUntilItIsUndone(t *testing.T) {
	t.Parallel()
	f := newBusyFixture(t)
	const path = serverURL + "/drain"
	f.want(t, http.StatusNoContent, "DELETE", path, "") // it did not rest
	f.want(t, http.StatusOK, "POST", path, "")
	first, rests := f.drain(t)
	if !rests || first.Removes() || f.store.Desired().RealServers.Count() != 1 {
		t.Errorf("drain is %+v, %t", first, rests)
	}
	f.want(t, http.StatusOK, "POST", path, "")
	f.want(t, http.StatusOK, "PUT", serverURL, `{"weight":3}`) // its spec may change meanwhile
	if again, _ := f.drain(t); !again.Since.Equal(first.Since) {
		t.Error("it did not stay as it was")
	}
	f.want(t, http.StatusNoContent, "DELETE", path, "")
	if _, rests := f.drain(t); rests {
		t.Error("it still rests")
	}
	f.want(t, http.StatusOK, "POST", path, "")
	f.want(t, http.StatusAccepted, "DELETE", serverURL, "")
	if drain, _ := f.drain(t); !drain.Removes() {
		t.Error("one that rests could not be removed")
	}
	f.want(t, http.StatusConflict, "POST", path, "")
	f.want(t, http.StatusConflict, "DELETE", path, "")
	f.want(t, http.StatusNoContent, "DELETE", serverURL+"?drain=0s", "")
	f.want(t, http.StatusNotFound, "POST", path, "")
	f.want(t, http.StatusNotFound, "POST", "/v1/virtual-servers/web/real-servers/nobody/drain", "")
}
