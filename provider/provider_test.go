package provider

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestProviderBlockThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		``: "no director is given: write endpoint =",
		`endpoint  = "https://192.0.2.11:8443"
  directors = { d1 = { endpoint = "https://192.0.2.12:8443" } }`: "endpoint and directors are both given",
		`directors = {}`:                                                                        "There are none",
		`endpoint = "192.0.2.11"`:                                                               "does not begin with https://",
		`endpoint = "http://192.0.2.11:80"`:                                                     "http:// is for loopback only, use https://192.0.2.11:80",
		`directors = { d1 = { endpoint = "http://192.0.2.11:80" } }`:                            "http:// is for loopback only",
		`directors = { "D 1" = { endpoint = "https://192.0.2.11:8443" } }`:                      `"D 1" is not a name`,
		`directors = { d1 = {} }`:                                                               `"endpoint" is required`,
		"endpoint = \"https://192.0.2.11:8443\"\n  on_unreachable = \"ignore\"":                 `Use "error" or "warn"`,
		"endpoint = \"https://192.0.2.11:8443\"\n  ca_cert_file = \"/nonexistent\"":             "ca_cert_file: open /nonexistent",
		"endpoint = \"https://192.0.2.11:8443\"\n  ca_cert_pem = \"no PEM\"":                    "no certificate in PEM form",
		"endpoint = \"https://192.0.2.11:8443\"\n  client_key_pem = \"no PEM\"":                 "come together",
		"endpoint = \"https://192.0.2.11:8443\"\n  ca_cert_file = \"a\"\n  ca_cert_pem = \"b\"": "ca_cert_file and ca_cert_pem are both given",
	} {
		t.Run(strings.NewReplacer("/", "|", "\n", ";").Replace(block), func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{
				Config:   "provider \"lvs\" {\n  " + block + "\n}\n" + goodScript,
				PlanOnly: true, ExpectError: saying(want),
			})
		})
	}
}

func TestDirectorIsConfiguredByItsEntryTheBlockAndTheEnvironment(t *testing.T) {
	t.Parallel()
	null := types.StringNull()
	none := access{null, null, null, null, null, null, null, null}
	readFile := func(name string) ([]byte, error) {
		if name == "missing" {
			return nil, errors.New("no such file")
		}
		return []byte("content of " + name), nil
	}
	common := none
	common.Token, common.CACertFile = types.StringValue("shared"), types.StringValue("ca")
	own := none
	own.Endpoint, own.Token, own.CACertPEM = types.StringValue("https://d1"), types.StringValue("own"), types.StringValue("pem")
	plain := none
	plain.Endpoint = types.StringValue("https://d2")
	broken := none
	broken.ClientKeyFile = types.StringValue("missing")

	got, err := own.config("d1", common, readFile)
	if err != nil || got.Token != "own" || string(got.CACert) != "pem" || got.Endpoint != "https://d1" {
		t.Errorf("with its own: %+v, %v", got, err)
	}
	got, err = plain.config("d2", common, readFile)
	if err != nil || got.Token != "shared" || string(got.CACert) != "content of ca" || len(got.ClientCert) > 0 {
		t.Errorf("with the block's: %+v, %v", got, err)
	}
	if _, err = broken.config("d3", common, readFile); err == nil || !strings.Contains(err.Error(), "client_key_file: no such file") {
		t.Errorf("with a file that is missing: %v", err)
	}

	environment := map[string]string{"LVS_ENDPOINT": "http://127.0.0.1:1", "LVS_TOKEN": "secret", "LVS_ON_UNREACHABLE": "warn"}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	c, err := providerModel{access: none, OnUnreachable: null}.cluster(lookup, readFile, 0)
	if err != nil || len(c.directors) != 1 || c.directors[defaultDirector].client.Endpoint() != "http://127.0.0.1:1" || c.onUnreachable != unreachableIsWarning {
		t.Errorf("from the environment: %+v, %v", c, err)
	}
	set := providerModel{access: none, OnUnreachable: types.StringValue("error")}
	set.Endpoint = types.StringValue("https://192.0.2.11:8443")
	if c, err = set.cluster(lookup, readFile, 0); err != nil || c.directors[defaultDirector].client.Endpoint() != "https://192.0.2.11:8443" || c.onUnreachable != unreachableIsError {
		t.Errorf("the block over the environment: %+v, %v", c, err)
	}
	environment["LVS_ON_UNREACHABLE"] = "never"
	if _, err = (providerModel{access: none, OnUnreachable: null}).cluster(lookup, readFile, 0); err == nil || !strings.Contains(err.Error(), `(LVS_ON_UNREACHABLE) is "never"`) {
		t.Errorf("with a policy that is none: %v", err)
	}
}

// The provider's configuration may come from something that the same apply makes.
func TestProviderThatIsNotConfiguredYetLeavesAllOpen(t *testing.T) {
	t.Parallel()
	d := newDirectors(t, "d1")["d1"]
	config := `
resource "terraform_data" "late" { input = "` + d.url + `" }
provider "lvs" { endpoint = terraform_data.late.output }
` + goodScript + "\n" + goodServer + "\n" + goodService[:strings.Index(goodService, "  health_check")] + "}\n" +
		strings.Replace(strings.Replace(goodInstance, `{ d1 = { priority = 150 }, d2 = { priority = 100 } }`, `{ default = {} }`, 1), `{ gateway`, `{ (lvs_check_script.test.name)`, 1)
	config = strings.Replace(config, `virtual_server = "web"`, `virtual_server = lvs_virtual_server.test.name`, 1)
	run(t, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
}
