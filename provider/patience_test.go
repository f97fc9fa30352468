package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// stalls lets the director say nothing when something is really to be changed, for longer than a test waits.
func stalls(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.URL.Query().Get("dry_run") == "true" {
		return false
	}
	select {
	case <-r.Context().Done():
	case <-time.After(5 * time.Second):
	}
	return down(w, r)
}

func TestDirectorThatStallsIsGivenUpAfterTheTimeout(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, o object, d1, d2 *testDirector, block string) {
		attribute := "timeouts"
		if o.kind == spec.KindIPVSSettings {
			attribute = "operation_timeouts"
		}
		config := block + strings.Replace(o.config, "{\n", "{\n  "+attribute+" = { create = \"1s\", update = \"1s\", delete = \"1s\" }\n", 1)
		update := strings.Replace(config, o.update[0], o.update[1], 1)
		d2.setFault(stalls)
		run(t,
			resource.TestStep{Config: config, ExpectError: saying("It took longer than 1s: see what the other errors say, or raise " + attribute + ".")},
			resource.TestStep{
				PreConfig: func() {
					if o.desired(d1) != nil {
						t.Error("what was made on d1 is still there")
					}
					d2.setFault(nil)
				},
				Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(o.address, plancheck.ResourceActionCreate)),
			},
			resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
			resource.TestStep{PreConfig: func() { d2.setFault(stalls) }, Config: update, ExpectError: saying("On d2: no answer from")},
			resource.TestStep{
				PreConfig: func() { d2.setFault(nil) }, Config: update,
				ConfigPlanChecks: planned(before{o.address, []string{"director_status", "d2", "state"}, drifted}),
			},
			resource.TestStep{PreConfig: func() { d2.setFault(stalls) }, Config: update, Destroy: true, ExpectError: saying("It took longer than 1s")},
			resource.TestStep{PreConfig: func() { d2.setFault(nil) }, Config: update, Destroy: true},
		)
	})
}
