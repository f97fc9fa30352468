package agent

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

func TestReloadTakesOverWhatCanChangeAndNamesTheRest(t *testing.T) {
	t.Parallel()
	a := withTable(t, ipvs.NewFake())
	begin(t, a)
	put := func(name string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+a.Address().String()+"/v1/check-scripts/"+name, strings.NewReader(script))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode
	}
	if got := put("first"); got != http.StatusCreated {
		t.Fatal(got)
	}
	c := a.config
	c.Limits.Objects, c.Limits.Connections, c.DriftPolicy, c.OnStop, c.Log.Level = 1, 20, config.DriftReport, config.OnStopRelease, "debug"
	c.Listen, c.StateDir, c.TLS = "127.0.0.1:1", "/elsewhere", &config.TLS{MinimumVersion: config.TLS12}
	left, err := a.Reload(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"listen", "state_dir", "tls.minimum_version"}, left); diff != "" {
		t.Errorf("what takes another process (-want +got):\n%s", diff)
	}
	if got := put("second"); got != http.StatusInsufficientStorage {
		t.Errorf("an object more than there may be now is answered %d", got)
	}
	if got := a.reloaded.Load().OnStop; got != config.OnStopRelease {
		t.Errorf("on_stop is %s", got)
	}
	c.Limits.Objects = 0
	if _, err := a.Reload(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := put("second"); got != http.StatusCreated {
		t.Errorf("when there is room again it is answered %d", got)
	}
}
