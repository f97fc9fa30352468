package provider

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestScriptThatADirectorWillNotRunIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	const why = "/scripts/ping can be written to by others: chmod go-w /scripts/ping"
	for _, d := range directors {
		d.setRefusal(spec.FieldError{Pointer: "/command/0", Detail: why})
	}
	run(t, resource.TestStep{Config: providerBlock(directors) + goodScript, PlanOnly: true, ExpectError: saying("On d1 and d2: command[0]: " + why)})
}

func TestScriptIsRemovedTogetherWithItsReference(t *testing.T) {
	t.Parallel()
	block := providerBlock(newDirectors(t, "d1", "d2"))
	instance := `
resource "lvs_vrrp_instance" "test" {
  name              = "web"
  virtual_router_id = 51
  interface         = "eth0"
  virtual_addresses = ["192.0.2.100/24"]
  members           = { d1 = { priority = 150 }, d2 = {} }
`
	run(t,
		resource.TestStep{Config: block + goodScript + instance + "  track_scripts = { (lvs_check_script.test.name) = { weight = -60 } }\n}"},
		resource.TestStep{Config: block + instance + "}"},
		resource.TestStep{Config: block + instance + "}", ConfigPlanChecks: noChanges()},
	)
}

func TestTimeoutThatIsTakenOutBecomesTheInterval(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	block := providerBlock(directors)
	without := replaceOnce(t, goodScript, `timeout  = "1s"`, "")
	run(t,
		resource.TestStep{Config: block + goodScript},
		resource.TestStep{Config: block + without},
		resource.TestStep{PreConfig: func() {
			for name, d := range directors {
				if got := d.store.Desired().CheckScripts["gateway"].Timeout.String(); got != "2s" {
					t.Errorf("the timeout on %s is %s, want 2s", name, got)
				}
			}
		}, Config: block + without, ConfigPlanChecks: noChanges()},
	)
}

func TestTextOfAScriptIsSetChangedAndTakenOut(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(line string) string {
		return providerBlock(directors) + "resource \"lvs_check_script\" \"test\" {\n  name = \"gateway\"\n" + line + "\n}"
	}
	heredoc := func(status int) string {
		return fmt.Sprintf("content = <<-EOT\n    #!/bin/sh\n    exit %d\n  EOT", status)
	}
	tell := func(want spec.CheckScript) func() {
		return func() {
			for name, d := range directors {
				got := d.store.Desired().CheckScripts["gateway"]
				if diff := cmp.Diff(want, spec.CheckScript{Command: got.Command, Content: got.Content}); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		}
	}
	const command = `command = ["/scripts/ping"]`
	run(t,
		resource.TestStep{Config: with(heredoc(0))},
		resource.TestStep{PreConfig: tell(spec.CheckScript{Content: "#!/bin/sh\nexit 0\n"}), Config: with(heredoc(0)), ConfigPlanChecks: noChanges()},
		resource.TestStep{ResourceName: "lvs_check_script.test", ImportState: true, ImportStateId: "gateway", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		resource.TestStep{Config: with(heredoc(1))},
		resource.TestStep{PreConfig: tell(spec.CheckScript{Content: "#!/bin/sh\nexit 1\n"}), Config: with(command)},
		resource.TestStep{PreConfig: tell(spec.CheckScript{Command: []string{"/scripts/ping"}}), Config: with(command + "\ncontent = \"\"")},
		resource.TestStep{Config: with(command + "\ncontent = \"\""), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with(heredoc(0) + "\ncommand = []")},
		resource.TestStep{PreConfig: tell(spec.CheckScript{Content: "#!/bin/sh\nexit 0\n"}), Config: with(heredoc(0) + "\ncommand = []"), ConfigPlanChecks: noChanges()},
	)
}

func TestTextOfAScriptThatADirectorDoesNotAllowIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	const why = "this agent runs no script whose text is in Terraform"
	directors["d2"].setRefusal(spec.FieldError{Pointer: "/content", Detail: why})
	config := replaceOnce(t, goodScript, `command  = ["/scripts/ping"]`, `content = "#!/bin/sh\nexit 0"`)
	run(t, resource.TestStep{Config: providerBlock(directors) + config, PlanOnly: true, ExpectError: saying("On d2: " + why)})
}
