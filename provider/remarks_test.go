package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// warnings reads an object after an import, and returns what is warned of.
func warnings(t *testing.T, directors map[string]*testDirector, resource, id string) (all []string) {
	t.Helper()
	r := newRPC(t, directors)
	imported, err := r.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: resource, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	r.well(imported.Diagnostics)
	read, err := r.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: resource, CurrentState: imported.ImportedResources[0].State})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range read.Diagnostics {
		if d.Severity != tfprotov6.DiagnosticSeverityWarning {
			t.Errorf("it is more than a warning: %s", d.Detail)
		}
		all = append(all, d.Detail)
	}
	return all
}

func TestWhatAPlanHasNothingToDoAboutIsWarnedOf(t *testing.T) {
	t.Parallel()
	all := objects()
	service, instance := all["virtual server"].changed, all["vrrp instance"].changed.(spec.VRRPInstance)
	elsewhere, synced := instance, instance
	elsewhere.VirtualAddresses = prefixesOf("192.0.2.200/24")
	synced.SyncGroup = "both"
	web := func(d *testDirector) { d.change(spec.KindVirtualServer, "web", service) }
	rest := func(d *testDirector) {
		d.change(spec.KindDrain, "web/192.0.2.21:80", spec.Drain{Since: time.Now()})
	}
	for name, test := range map[string]struct {
		resource, id string
		prepare      func(*testDirector)
		want         string
	}{
		"server in maintenance": {"lvs_real_server", "web/192.0.2.21:80", func(d *testDirector) {
			web(d)
			d.change(spec.KindRealServer, "web/192.0.2.21:80", realServerOf(1))
			rest(d)
		}, "On d1 and d2: 192.0.2.21:80 is in maintenance and gets no new connections: lvs-agent drain --undo web 192.0.2.21:80 ends that."},
		"server at work": {"lvs_real_server", "web/192.0.2.21:80", func(d *testDirector) {
			web(d)
			d.change(spec.KindRealServer, "web/192.0.2.21:80", realServerOf(1))
		}, ""},
		"group with one in maintenance": {"lvs_real_server_group", "web", func(d *testDirector) {
			web(d)
			d.change(spec.KindRealServerGroup, "web", groupOfOne(1))
			rest(d)
		}, "192.0.2.21:80 is in maintenance"},
		"service that nobody has the address of": {"lvs_virtual_server", "web", func(d *testDirector) {
			web(d)
			d.change(spec.KindVRRPInstance, "other", elsewhere)
		}, "On d1 and d2: no VRRP instance has the address 192.0.2.100: unless it comes to the director in another way, nobody reaches the service."},
		"service with its instance": {"lvs_virtual_server", "web", func(d *testDirector) {
			web(d)
			d.change(spec.KindVRRPInstance, "web", instance)
		}, ""},
		"service without VRRP": {"lvs_virtual_server", "web", web, ""},
		"lonely sync group": {"lvs_vrrp_instance", "web", func(d *testDirector) {
			d.change(spec.KindVRRPInstance, "web", synced)
			d.change(spec.KindVRRPInstance, "other", elsewhere)
		}, `On d1 and d2: it is alone in its sync_group "both"`},
		"sync group of two": {"lvs_vrrp_instance", "web", func(d *testDirector) {
			d.change(spec.KindVRRPInstance, "web", synced)
			d.change(spec.KindVRRPInstance, "other", synced)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			for _, d := range directors {
				test.prepare(d)
			}
			said := strings.Join(warnings(t, directors, test.resource, test.id), "; ")
			if test.want == "" && said != "" || !strings.Contains(said, test.want) {
				t.Errorf("warned of %q, want %q", said, test.want)
			}
		})
	}
}

// What a director would do, and probably not well, is said where it was asked for.
func TestDoubtsOfADirectorAreWarnedOfAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d2"].setDoubt(spec.FieldError{Pointer: "/advertisement_interval", Detail: "this director has woken up to 36ms late"})
	w := newWorkspace(t, buildProvider(t), "../examples/resources/lvs_vrrp_instance", providerBlock(directors))
	output := strings.Join(strings.Fields(strings.ReplaceAll(w.must(t, "plan"), "│", " ")), " ")
	for _, want := range []string{"VRRP Instance May Not Be What Is Meant", "On d2: this director has woken up to 36ms late", "advertisement_interval"} {
		if !strings.Contains(output, want) {
			t.Errorf("the plan does not say %q:\n%s", want, output)
		}
	}
}
