package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every scheduler that may be asked for is one of which somebody has decided what weight 0 does.
func TestEverySchedulerHasAFailureActionAndAReason(t *testing.T) {
	t.Parallel()
	want := map[string]FailureAction{
		"rr": Quiesce, "wrr": Quiesce, "lc": Quiesce, "wlc": Quiesce, "fo": Quiesce, "ovf": Quiesce, "lblc": Quiesce,
		"lblcr": Quiesce, "sed": Quiesce, "nq": Quiesce, "twos": Quiesce, "dh": Remove, "sh": Remove, "mh": Remove,
	}
	got := map[string]FailureAction{}
	for _, scheduler := range Schedulers() {
		v := VirtualServer{Scheduler: scheduler, Protocol: TCP}
		action, reason := v.FailureAction(RealServer{})
		if reason == "" {
			t.Errorf("%s has no reason", scheduler)
		}
		got[scheduler] = action
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestFailureActionIsTheServersOrTheServicesOrWhatWorks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		protocol        Protocol
		service, server FailureAction
		want            FailureAction
	}{
		"nobody says":            {TCP, "", "", Quiesce},
		"associations may end":   {SCTP, "", "", Quiesce},
		"flows would stay":       {UDP, "", "", Remove},
		"the service says":       {TCP, Remove, "", Remove},
		"the server says":        {TCP, "", Remove, Remove},
		"the server says better": {TCP, Remove, Quiesce, Quiesce},
	} {
		v := VirtualServer{Scheduler: "wrr", Protocol: tt.protocol, OnFailure: tt.service}
		if got, reason := v.FailureAction(RealServer{OnFailure: tt.server}); got != tt.want || reason == "" {
			t.Errorf("%s: %s because %q, want %s and a reason", name, got, reason, tt.want)
		}
	}
}

func TestQuiescingWhereItDoesNotWorkIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for scheduler, reason := range map[string]string{"sh": "scheduler sh goes on sending", "wrr": "UDP flows stay"} {
		v := goodService()
		v.Scheduler, v.OnFailure = scheduler, Quiesce
		if scheduler == "wrr" {
			v.Protocol = UDP
		}
		errs := v.Validate()
		if len(errs) != 1 || errs[0].Pointer != "/on_failure" || !strings.Contains(errs[0].Detail, reason) {
			t.Errorf("service: %v, want one error at /on_failure with %q", errs, reason)
		}
		v.OnFailure = ""
		errs = v.Admit(serverKey("web/192.0.2.21:80").Address, RealServer{OnFailure: Quiesce})
		if len(errs) != 1 || errs[0].Pointer != "/on_failure" || !strings.Contains(errs[0].Detail, reason) {
			t.Errorf("server: %v, want one error at /on_failure with %q", errs, reason)
		}
	}
}

func TestServerHasOfItsServiceWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	ours, theirs := goodCheck(), goodCheck()
	theirs.Fall = 9
	long, short := Duration(time.Hour), Duration(0)
	v := VirtualServer{HealthCheck: &ours, InitialState: InitialDown, OnFailure: Remove, DrainTimeout: long, SlowStart: long}
	own := RealServer{Weight: 2, HealthCheck: &theirs, InitialState: InitialUp, OnFailure: Quiesce, DrainTimeout: &short, SlowStart: &short}
	if diff := cmp.Diff(own, v.Resolve(own), netipTypes); diff != "" {
		t.Errorf("its own (-want +got):\n%s", diff)
	}
	want := RealServer{Weight: 2, HealthCheck: &ours, InitialState: InitialDown, OnFailure: Remove, DrainTimeout: &long, SlowStart: &long}
	if diff := cmp.Diff(want, v.Resolve(RealServer{Weight: 2}), netipTypes); diff != "" {
		t.Errorf("the service's (-want +got):\n%s", diff)
	}
}

func TestFallbackKeepsClientsAwayFromWeight0(t *testing.T) {
	t.Parallel()
	for _, scheduler := range []string{"sh", "mh"} {
		v := goodService()
		v.Scheduler = scheduler
		for flag, want := range map[string]FailureAction{"-port": Remove, "-fallback": Quiesce} {
			v.SchedulerFlags = []string{scheduler + flag}
			if got, _ := v.FailureAction(RealServer{}); got != want {
				t.Errorf("%v: %s, want %s", v.SchedulerFlags, got, want)
			}
		}
	}
}

// Persistence brings the clients of a server of weight 0 back to it, unless a sysctl of the machine is set.
func TestPersistenceRemovesUnlessQuiescingIsAskedFor(t *testing.T) {
	t.Parallel()
	v := VirtualServer{Scheduler: "wrr", Protocol: TCP, Persistence: &Persistence{}}
	if action, _ := v.FailureAction(RealServer{}); action != Remove {
		t.Errorf("left out, it is %s", action)
	}
	if action, _ := v.FailureAction(RealServer{OnFailure: Quiesce}); action != Quiesce {
		t.Errorf("asked for, it is %s", action)
	}
}
