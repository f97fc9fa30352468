package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const hookOfAProgram = `notify = { old = { command = ["/etc/lvs-agent/scripts/notify", "web"], style = "keepalived" } }`

// servedAnd is a virtual server with more attributes.
func servedAnd(more string) string {
	return strings.Replace(servedPair, "forwarding_method", more+"\n  forwarding_method", 1)
}

func TestHooksAreSetChangedAndImported(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	tell := func(v spec.VRRPInstance) string {
		text, err := spec.Encode(v.Notify)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	const program = `{"old":{"command":["/etc/lvs-agent/scripts/notify","web"],"style":"keepalived","timeout":"10s"}}`
	const server = `{"pager":{"style":"event","webhook":{"url":"https://hooks.example.com/lvs"},"states":["active","fault"],"timeout":"3s"}}`
	webhook := `notify = { pager = { webhook = { url = "https://hooks.example.com/lvs" }, states = ["fault", "active"], timeout = "3s" } }`
	with := func(more string) string { return instanceBetween(directors, anAddress+more, "", "") }
	run(t,
		resource.TestStep{Config: with(hookOfAProgram)},
		resource.TestStep{PreConfig: stored(t, directors, tell, program, program), Config: with(hookOfAProgram), ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: with(webhook)},
		resource.TestStep{PreConfig: stored(t, directors, tell, server, server), Config: with(webhook), ConfigPlanChecks: noChanges()},
		imported(),
		resource.TestStep{Config: with("notify = {}")},
		resource.TestStep{Config: with("notify = {}"), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with("")},
		resource.TestStep{PreConfig: stored(t, directors, tell, "{}", "{}"), Config: with(""), ConfigPlanChecks: noChanges()},
	)
}

func TestSecretOfAWebhookIsGivenToDirectorsAndKeptNowhere(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	with := func(secret string, version int, weight string) string {
		return providerBlock(directors) + servedAnd(fmt.Sprintf(`notify = { pager = { webhook = { url = "https://hooks.example.com/lvs", secret = %q, secret_version = %d } } }
  quorum = { weight = %s }`, secret, version, weight))
	}
	holds := func(want string) func() {
		return func() {
			for name, d := range directors {
				if got := string(d.store.Desired().VirtualServers["web"].Notify["pager"].Webhook.Secret); got != want {
					t.Errorf("%s has the secret %q, want %q", name, got, want)
				}
			}
		}
	}
	const first, second = "a s3cret of twenty-four bytes", "another s3cret of as many bytes"
	run(t,
		resource.TestStep{Config: with(first, 1, "1"), Check: keptOutOfState("s3cret")},
		resource.TestStep{PreConfig: holds(first), Config: with(first, 1, "1"), ConfigPlanChecks: noChanges()},
		// A change of something else keeps it.
		resource.TestStep{Config: with(first, 1, "2")},
		resource.TestStep{PreConfig: holds(first), Config: with(second, 1, "2"), ConfigPlanChecks: noChanges()},
		resource.TestStep{Config: with(second, 2, "2"), Check: keptOutOfState("s3cret")},
		resource.TestStep{PreConfig: holds(second), Config: with(second, 2, "2"), ConfigPlanChecks: noChanges()},
		resource.TestStep{
			ResourceName: "lvs_virtual_server.test", ImportState: true, ImportStateId: "web", ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "name",
		},
	)
}

func TestHooksThatCannotBeAreErrorsAtPlanAtTheirAttribute(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ more, want string }{
		"nothing to do":       {`notify = { a = {} }`, `notify["a"]: a hook needs a command or a webhook`},
		"style of a service":  {hookOfAProgram, `notify["old"].style: keepalived gives arguments to the scripts of VRRP instances alone`},
		"state of others":     {`notify = { a = { command = ["/s/a"], states = ["active"] } }`, `notify["a"].states: "active" is not known: use one of up, down, healthy, unhealthy`},
		"a secret too short":  {`notify = { a = { webhook = { url = "https://a", secret = "short" } } }`, `notify["a"].webhook.secret: it has 5 bytes: use at least 24`},
		"a URL that is none":  {`notify = { a = { webhook = { url = "a" } } }`, `notify["a"].webhook.url: "a" is not the URL of a web server`},
		"a path that is none": {`notify = { a = { command = ["a"] } }`, `notify["a"].command[0]: "a" is not an absolute path`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			config := providerBlock(directors) + servedAnd(test.more)
			run(t, resource.TestStep{Config: config, PlanOnly: true, ExpectError: saying(test.want)})
		})
	}
}

// What is not known before the apply is not complained about.
func TestHookMayComeFromAnotherResource(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	config := `
resource "terraform_data" "late" {
  input = { url = "https://hooks.example.com", command = ["/s/a"], states = ["fault"], group = "all" }
}
` + instanceBetween(directors, anAddress+`
  sync_group = terraform_data.late.output.group
  notify = {
    a = { webhook = { url = terraform_data.late.output.url }, states = terraform_data.late.output.states }
    b = { command = terraform_data.late.output.command, style = "keepalived_group" }
  }`, "", "")
	run(t, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
}
