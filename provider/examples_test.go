package provider

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// workspace is a copy of an example, and a provider built from this tree to run it with.
type workspace struct {
	dir string
	env []string
}

// buildProvider makes the provider's program, once for all workspaces of a test.
func buildProvider(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return dir
}

// newWorkspace copies an example and, where it is not empty, overrides its provider block.
func newWorkspace(t *testing.T, provider, example, block string) workspace {
	t.Helper()
	w := workspace{dir: t.TempDir()}
	if err := os.CopyFS(w.dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides {\n    \"lvs-director/lvs\" = %q\n  }\n}\n", provider)
	w.write(t, "cli.tfrc", settings)
	if block != "" {
		w.override(t, block)
	}
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"))
	return w
}

// override replaces the provider block.
func (w workspace) override(t *testing.T, block string) {
	t.Helper()
	w.write(t, "test_override.tf", block+`terraform {
  required_providers {
    lvs = {
      source = "lvs-director/lvs"
    }
  }
}
`)
}

func (w workspace) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// terraform runs a command. A plan with -detailed-exitcode ends with 2 when there is something to do.
func (w workspace) terraform(t *testing.T, arguments ...string) (output string, exitCode int) {
	t.Helper()
	return w.tool(t, os.Getenv("TF_ACC_TERRAFORM_PATH"), arguments...)
}

// tool runs a command of Terraform or of OpenTofu.
func (w workspace) tool(t *testing.T, program string, arguments ...string) (output string, exitCode int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append(arguments, "-no-color")...)
	cmd.Dir, cmd.Env = w.dir, w.env
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("%s %v: %v", program, arguments, err)
	}
	return string(text), 0
}

func (w workspace) must(t *testing.T, arguments ...string) string {
	t.Helper()
	output, exitCode := w.terraform(t, arguments...)
	if exitCode != 0 {
		t.Fatalf("terraform %v ended with %d:\n%s", arguments, exitCode, output)
	}
	return output
}

// appliedExamples are those that are applied to directors in memory.
func appliedExamples() []string {
	return []string{
		"ha-pair-dr", "quickstart",
		"resources/lvs_check_script", "resources/lvs_vrrp_instance", "resources/lvs_virtual_server", "resources/lvs_real_server",
		"resources/lvs_real_server_group", "resources/lvs_ipvs_settings",
		"functions/virtual_mac", "functions/active_down_interval", "functions/parse_service",
		"data-sources/lvs_director", "data-sources/lvs_directors", "data-sources/lvs_vrrp_instance", "data-sources/lvs_virtual_server",
		"data-sources/lvs_ipvs_table",
		"guides/hooks", "guides/ipvs", "guides/health-checks", "guides/scripts",
	}
}

// validExamples are those that are validated, by each tool.
func validExamples() []string {
	return []string{"provider", "guides/index", "ha-pair-dr", "quickstart"}
}

func TestExamplesAreAppliedOnceAndDestroyed(t *testing.T) {
	t.Parallel()
	provider := buildProvider(t)
	for _, example := range appliedExamples() {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			block := providerBlock(directors, "token = null", "ca_cert_file = null")
			if example == "quickstart" {
				block = fmt.Sprintf("provider \"lvs\" {\n  endpoint = %q\n}\n", directors["d1"].url)
			}
			w := newWorkspace(t, provider, filepath.Join("..", "examples", example), block)
			w.must(t, "apply", "-auto-approve")
			if output := w.must(t, "plan", "-detailed-exitcode"); !strings.Contains(output, "No changes.") {
				t.Errorf("the second plan says:\n%s", output)
			}
			w.must(t, "destroy", "-auto-approve")
			for name, d := range directors {
				if got := d.store.Desired(); len(got.VRRPInstances)+len(got.VirtualServers)+len(got.RealServers)+len(got.CheckScripts) != 0 || got.IPVSSettings != nil {
					t.Errorf("left on %s: %+v", name, got)
				}
			}
		})
	}
}

// A large pool may be of thousands. What it costs is measured by make bench-provider, and that its servers are in a kernel is
// seen in the lab, with fewer.
func TestLargePoolIsOfThousands(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	const ports, machines = "-var=ports=1000", `-var=machines=["10.0.0.21","10.0.0.22","10.0.0.23","10.0.0.24","10.0.0.25"]`
	w := newWorkspace(t, buildProvider(t), "../examples/large-pool", providerBlock(directors, "token = null", "ca_cert_file = null"))
	w.must(t, "apply", "-auto-approve", ports, machines)
	if output := w.must(t, "plan", "-detailed-exitcode", ports, machines); !strings.Contains(output, "No changes.") {
		t.Errorf("the second plan says:\n%s", output)
	}
	directors["d2"].change("real_server", "app/10.0.0.21:9000", realServerOf(9))
	output, exitCode := w.terraform(t, "plan", "-detailed-exitcode", ports, machines)
	if want := `- drift = "servers.10.0.0.21:9000.weight=9, want 1" -> null`; exitCode != 2 || !strings.Contains(output, want) || len(output) > 10_000 {
		t.Errorf("of one server of 5000 the plan does not say %s, and nothing else:\n%.10000s", want, output)
	}
	for name, d := range directors {
		if n := d.store.Desired().RealServers.Count(); n != 5000 {
			t.Errorf("%s has %d servers", name, n)
		}
	}
}

// OpenTofu has the provider, too, where it is installed.
func TestExamplesAreValidForEachTool(t *testing.T) {
	t.Parallel()
	provider, tools := buildProvider(t), []string{os.Getenv("TF_ACC_TERRAFORM_PATH")}
	if tofu, err := exec.LookPath("tofu"); err == nil {
		tools = append(tools, tofu)
	}
	for _, tool := range tools {
		for _, example := range validExamples() {
			w := newWorkspace(t, provider, filepath.Join("..", "examples", example), "")
			w.override(t, "") // the first page does not say each time where the provider comes from
			if output, exitCode := w.tool(t, tool, "validate"); exitCode != 0 {
				t.Errorf("%s: %s validate ended with %d:\n%s", example, tool, exitCode, output)
			}
		}
	}
}

// The guide "Drift" shows what a plan says of a weight that one director's API was given.
// `make drift-guide` writes it down.
func TestPlanOfTheDriftGuide(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	w := newWorkspace(t, buildProvider(t), "../examples/ha-pair-dr", providerBlock(directors, "token = null", "ca_cert_file = null"))
	w.must(t, "apply", "-auto-approve")
	directors["d2"].change("real_server", "web/192.0.2.22:80", realServerOf(9))
	output, exitCode := w.terraform(t, "plan", "-detailed-exitcode")
	begin, summary := strings.Index(output, "Terraform will perform the following actions:"), "Plan: 0 to add, 1 to change, 0 to destroy.\n"
	end := strings.Index(output, summary)
	if exitCode != 2 || begin < 0 || end < begin {
		t.Fatalf("the plan ended with %d and says\n%s", exitCode, output)
	}
	got := output[begin:end] + summary
	for _, want := range []string{`lvs_real_server.web["rs2"] will be updated in-place`, `~ "d2" = {`, `- drift = "weight=9, want 1" -> null`, `~ state = "drifted" -> "in_sync"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the plan does not say %q:\n%s", want, got)
		}
	}

	const file = "../examples/guides/drift/plan.txt"
	if os.Getenv("WRITE_DRIFT_GUIDE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// How many attributes there are besides, and how things stand in columns, is not what the guide is for.
	plain := func(plan string) string {
		return strings.Join(strings.Fields(regexp.MustCompile(`\d+ unchanged \w+`).ReplaceAllString(plan, "unchanged")), " ")
	}
	if diff := cmp.Diff(plain(string(written)), plain(got)); diff != "" {
		t.Errorf("examples/guides/drift/plan.txt is not what a plan says: run make drift-guide (-written +plan):\n%s", diff)
	}
}
