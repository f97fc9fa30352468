package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestDestroyWaitsUntilAServersConnectionsHaveEnded(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + servedPair
	service := config[:strings.Index(config, `resource "lvs_real_server"`)]
	impatient := strings.Replace(config, `address        = "192.0.2.21"`, `address = "192.0.2.21"
  timeouts = { delete = "6s" }`, 1)
	d1, d2 := directors["d1"], directors["d2"]
	var began time.Time
	run(t,
		resource.TestStep{Config: impatient},
		resource.TestStep{Config: impatient, ConfigPlanChecks: noChanges()},
		resource.TestStep{
			PreConfig: func() { d2.busy.Store(true) },
			Config:    service, ExpectError: saying(`real server "web/192.0.2.21:80" was not gone after 6s (0 connections left, which are cut at `),
		},
		resource.TestStep{
			PreConfig: func() {
				if n := d1.store.Desired().Drains.Count(); n != 0 {
					t.Errorf("%d drains on the director that is not busy", n)
				}
				began = time.Now()
				time.AfterFunc(3*time.Second, func() {
					if err := d2.endRemovals(); err != nil {
						t.Error(err)
					}
				})
			},
			Config: service,
		},
		resource.TestStep{
			PreConfig: func() {
				if n := d2.store.Desired().Drains.Count(); n != 0 || time.Since(began) < 3*time.Second {
					t.Errorf("the destroy ended after %s with %d drains", time.Since(began), n)
				}
				d2.busy.Store(false)
			},
			Config: service, ConfigPlanChecks: noChanges(),
		},
	)
}

func TestDrainTimeoutIsSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	var steps []resource.TestStep
	for _, test := range []struct{ service, server string }{{"", ""}, {"5m", "90s"}, {"0s", "0s"}, {"", "1m"}} {
		config := block + servedPair
		if test.service != "" {
			config = strings.Replace(config, `"dr"`, `"dr"
  slow_start    = "`+test.service+`"
  drain_timeout = "`+test.service+`"`, 1)
		}
		if test.server != "" {
			config = strings.Replace(config, `"192.0.2.21"`, `"192.0.2.21"
  slow_start    = "`+test.server+`"
  drain_timeout = "`+test.server+`"`, 1)
		}
		steps = append(steps, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()},
			resource.TestStep{
				ResourceName: "lvs_real_server.test", ImportState: true, ImportStateId: "web/192.0.2.21:80", ImportStateVerify: true,
				ImportStateVerifyIdentifierAttribute: "address", ImportStateVerifyIgnore: []string{"drain_timeout", "slow_start"}, // 90s and 1m30s are one
			})
	}
	run(t, steps...)
}

// Maintenance is the operator's, and no drift that a plan would repair.
func TestServerInMaintenanceNeedsNoChange(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := providerBlock(directors) + servedPair
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				directors["d1"].change(spec.KindDrain, "web/192.0.2.21:80", spec.Drain{Since: time.Now()})
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan()),
		},
	)
	if directors["d1"].store.Desired().Drains.Count() != 0 {
		t.Error("the server is gone, and still rests")
	}
}
