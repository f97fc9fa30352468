package provider

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestDriftNamesEachFieldThatDiffers(t *testing.T) {
	t.Parallel()
	base := spec.DefaultVirtualServer()
	base.Address, base.Port, base.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.NAT
	check := spec.DefaultHealthCheck()
	check.TCP = &spec.TCPCheck{}
	checked, slower, http := base, base, base
	checked.HealthCheck = &check
	slow := check
	slow.Interval = spec.Duration(time.Minute)
	slower.HealthCheck = &slow
	web := check
	page := spec.DefaultHTTPCheck()
	web.TCP, web.HTTP = nil, &page
	http.HealthCheck = &web
	other := base
	other.Scheduler, other.Port = "rr", 8080

	for name, test := range map[string]struct {
		actual, want spec.VirtualServer
		kernel       []spec.Drift
		text         string
	}{
		"nothing":         {base, base, nil, ""},
		"two fields":      {other, base, nil, "port=8080, want 80; scheduler=rr, want wlc"},
		"inside":          {slower, checked, nil, "health_check.interval=1m0s, want 2s"},
		"not there":       {base, checked, nil, "health_check=none, want it set"},
		"there":           {checked, base, nil, "health_check=set, want none"},
		"another kind":    {http, checked, nil, "health_check.http=set, want none; health_check.tcp=none, want it set"},
		"in the kernel":   {base, base, []spec.Drift{{Field: "scheduler", Actual: "rr", Want: "wlc"}}, "scheduler=rr, want wlc"},
		"in both of them": {other, base, []spec.Drift{{Field: "exists", Actual: "no", Want: "yes"}}, "port=8080, want 80; scheduler=rr, want wlc; exists=no, want yes"},
	} {
		if diff := cmp.Diff(test.text, describe(observation[spec.VirtualServer]{spec: test.actual, kernel: test.kernel}, test.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestValuesThatAllAgreeOnAreTakenOver(t *testing.T) {
	t.Parallel()
	with := func(interval time.Duration, rise int, command ...string) spec.CheckScript {
		return spec.CheckScript{Command: command, Interval: spec.Duration(interval), Timeout: spec.Duration(time.Second), Rise: rise, Fall: 1}
	}
	want := with(time.Second, 1, "/a")
	for name, test := range map[string]struct {
		actual map[string]spec.CheckScript
		agreed spec.CheckScript
	}{
		"nobody":                   {nil, want},
		"all as wanted":            {map[string]spec.CheckScript{"d1": want, "d2": want}, want},
		"one alone":                {map[string]spec.CheckScript{"d1": with(time.Minute, 2, "/b", "c")}, with(time.Minute, 2, "/b", "c")},
		"one of two":               {map[string]spec.CheckScript{"d1": want, "d2": with(time.Minute, 1, "/a")}, want},
		"both the same":            {map[string]spec.CheckScript{"d1": with(time.Minute, 1, "/a"), "d2": with(time.Minute, 1, "/a")}, with(time.Minute, 1, "/a")},
		"same here, other there":   {map[string]spec.CheckScript{"d1": with(time.Minute, 2, "/b"), "d2": with(time.Minute, 3, "/b")}, with(time.Minute, 1, "/b")},
		"two against one of three": {map[string]spec.CheckScript{"d1": with(time.Second, 9, "/a"), "d2": with(time.Second, 9, "/a"), "d3": want}, want},
	} {
		if diff := cmp.Diff(test.agreed, agree(want, test.actual)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOptionalFieldThatAllLackIsTakenOver(t *testing.T) {
	t.Parallel()
	bare := spec.VRRPInstance{VirtualRouterID: 1, Interface: "eth0", Priority: 100, AdvertisementInterval: spec.Duration(time.Second), VirtualAddresses: prefixesOf("192.0.2.1/32")}
	want := bare
	want.TrackScripts = map[string]spec.Track{"gateway": {Weight: -60}}
	if diff := cmp.Diff(bare.TrackScripts, agree(want, map[string]spec.VRRPInstance{"d1": bare, "d2": bare}).TrackScripts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDestinationThatNobodyAskedForIsDriftOfItsService(t *testing.T) {
	t.Parallel()
	server := func(address, field string) spec.Drift {
		return spec.Drift{Kind: spec.KindRealServer, Name: "web", Server: address, Field: field, Actual: "9", Want: "1"}
	}
	s := &spec.Snapshot{
		VirtualServers: map[string]spec.VirtualServerSnapshot{"web": {RealServers: map[string]spec.Object[spec.RealServer, spec.RealServerState]{"192.0.2.21:80": {}}}},
		Drift:          []spec.Drift{server("192.0.2.21:80", "weight"), server("192.0.2.99:80", "exists"), {Kind: spec.KindVirtualServer, Name: "other", Field: "scheduler"}},
	}
	if diff := cmp.Diff([]spec.Drift{server("192.0.2.21:80", "weight")}, kernelDrift(s, spec.KindRealServer, "web/192.0.2.21:80")); diff != "" {
		t.Errorf("real server (-want +got):\n%s", diff)
	}
	alien := kernelDrift(s, spec.KindVirtualServer, "web")
	if len(alien) != 1 || alien[0].Field != "real_server 192.0.2.99:80 exists" {
		t.Errorf("virtual server: %+v", alien)
	}
}
