package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// invoke runs an action and returns what it said while it did, and its error.
func (r rpc) invoke(name string, config map[string]any) (progress []string, failure string) {
	r.t.Helper()
	server, ok := r.server.(tfprotov6.ActionServer)
	if !ok {
		r.t.Fatal("the provider knows no actions")
	}
	stream, err := server.InvokeAction(r.t.Context(), &tfprotov6.InvokeActionRequest{
		ActionType: name, Config: r.value(r.schema.ActionSchemas[name].Schema.ValueType(), config),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = append(progress, event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			for _, d := range event.Diagnostics {
				failure += d.Summary + ": " + d.Detail
			}
		}
	}
	return progress, failure
}

func TestFailoverIsAskedOfTheActiveDirector(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	for _, d := range directors {
		d.change(spec.KindVRRPInstance, "web", objects()["vrrp instance"].updated)
	}
	active(directors, "d2")
	r := newRPC(t, directors)
	const path = " /v1/vrrp-instances/web/failover"
	progress, failure := r.invoke("lvs_failover", map[string]any{"vrrp_instance": "web"})
	if failure != "" || len(progress) != 1 || !strings.HasPrefix(progress[0], "d2 handed web over") {
		t.Errorf("said %q, failed with %q", progress, failure)
	}
	if diff := cmp.Diff([]string{"d2 POST" + path}, directors["d1"].journal.writes()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	directors["d2"].setAside("web")
	if progress, failure = r.invoke("lvs_failover", map[string]any{"vrrp_instance": "web", "undo": true}); failure != "" || len(progress) != 1 {
		t.Errorf("said %q, failed with %q", progress, failure)
	}
	if diff := cmp.Diff([]string{"d2 DELETE" + path}, directors["d1"].journal.writes()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	for name, want := range map[string]string{"web": "no director that answers is active", "mail": "no director that answers has a VRRP instance"} {
		if _, failure := r.invoke("lvs_failover", map[string]any{"vrrp_instance": name}); !strings.Contains(failure, want) {
			t.Errorf("%s failed with %q, want %q in it", name, failure, want)
		}
	}
	directors["d1"].setState("web", spec.InstanceActive)
	directors["d2"].setState("web", spec.InstanceActive)
	if _, failure := r.invoke("lvs_failover", map[string]any{"vrrp_instance": "web"}); !strings.Contains(failure, "d1 and d2 are active") {
		t.Errorf("two active ones failed with %q", failure)
	}
}

func TestServerIsDrainedOnAllDirectorsOrThoseNamed(t *testing.T) {
	t.Parallel()
	service := spec.DefaultVirtualServer()
	service.Address, service.Port, service.ForwardingMethod = addressOf("192.0.2.100"), 80, spec.NAT
	directors := newDirectors(t, "d1", "d2")
	for _, d := range directors {
		d.change(spec.KindVirtualServer, "web", service)
		d.change(spec.KindRealServer, "web/192.0.2.21:80", spec.DefaultRealServer())
	}
	r := newRPC(t, directors)
	server := map[string]any{"virtual_server": "web", "address": "192.0.2.21", "port": 80}
	if progress, failure := r.invoke("lvs_drain", server); failure != "" || len(progress) != 2 {
		t.Errorf("said %q, failed with %q", progress, failure)
	}
	for name, d := range directors {
		if got := d.seen("POST"); len(got) != 1 || got[0] != "POST /v1/virtual-servers/web/real-servers/192.0.2.21:80/drain" {
			t.Errorf("%s was asked %q", name, got)
		}
	}
	server["directors"], server["undo"] = []any{"d2"}, true
	if progress, failure := r.invoke("lvs_drain", server); failure != "" || len(progress) != 1 {
		t.Errorf("said %q, failed with %q", progress, failure)
	}
	if got := directors["d1"].seen("DELETE"); len(got) != 0 {
		t.Errorf("d1 was asked %q", got)
	}
	server["directors"], server["undo"] = []any{"d9"}, nil
	if _, failure := r.invoke("lvs_drain", server); !strings.Contains(failure, `"d9" is not a director of the provider`) {
		t.Errorf("failed with %q", failure)
	}
	server["directors"], server["port"] = nil, 81
	if _, failure := r.invoke("lvs_drain", server); !strings.Contains(failure, "does not exist") {
		t.Errorf("failed with %q", failure)
	}
}
