package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Terraform is a Terraform working folder on a host, with the provider of this repository as an
// installed one and nothing of the user's own configuration.
type Terraform struct {
	host   *Host
	binary string
	dir    string
	env    []string
}

// providerVersion is what the built provider is installed as.
const providerVersion = "0.0.1"

// InstallTerraform copies the files of a configuration to a folder of its own below dir, with the folder
// "modules" beside it if there is one, and installs the provider. The binary is terraform or tofu.
// Variables become TF_VAR_….
func (h *Host) InstallTerraform(binary, provider, configuration, dir string, variables map[string]string) (*Terraform, error) {
	mirror := filepath.Join(dir, "mirror")
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, registry, "lvs-director", "lvs", providerVersion, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, fmt.Errorf("install the provider: %w", err)
		}
		if err := os.Symlink(provider, filepath.Join(folder, "terraform-provider-lvs_v"+providerVersion)); err != nil {
			return nil, fmt.Errorf("install the provider: %w", err)
		}
	}
	return h.newTerraform(binary, configuration, dir, fmt.Sprintf("filesystem_mirror {\n    path = %q\n  }", mirror), variables)
}

// DevelopTerraform is InstallTerraform with a provider that Terraform takes as one under development: it wants no init,
// but a get where there are modules, and reads the provider once instead of three times, which a guest is slow at.
func (h *Host) DevelopTerraform(binary, provider, configuration, dir string, variables map[string]string) (*Terraform, error) {
	return h.newTerraform(binary, configuration, dir,
		fmt.Sprintf("dev_overrides {\n    \"lvs-director/lvs\" = %q\n  }", filepath.Dir(provider)), variables)
}

// newTerraform makes the working folder, whose provider comes from what the installation says.
func (h *Host) newTerraform(binary, configuration, dir, installation string, variables map[string]string) (*Terraform, error) {
	t := &Terraform{host: h, binary: binary, dir: filepath.Join(dir, "configuration")}
	if err := os.CopyFS(t.dir, os.DirFS(configuration)); err != nil {
		return nil, fmt.Errorf("copy %s: %w", configuration, err)
	}
	modules := filepath.Join(filepath.Dir(configuration), "modules")
	if err := os.CopyFS(filepath.Join(dir, "modules"), os.DirFS(modules)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("copy %s: %w", modules, err)
	}
	settings := filepath.Join(dir, "cli.tfrc")
	text := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  %s\n}\n", installation)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("install the provider: %w", err)
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "LVS_") {
			t.env = append(t.env, variable)
		}
	}
	t.env = append(t.env, "TF_CLI_CONFIG_FILE="+settings, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	for name, value := range variables {
		t.env = append(t.env, "TF_VAR_"+name+"="+value)
	}
	return t, nil
}

// Run runs a command, such as apply, and returns what it printed. A plan with -detailed-exitcode that
// has changes is an *exec.ExitError with exit status 2.
func (t *Terraform) Run(ctx context.Context, arguments ...string) (output string, err error) {
	var text logBuffer
	err = t.Stream(ctx, &text, arguments...)
	return text.String(), err
}

// Stream is Run for somebody who watches.
func (t *Terraform) Stream(ctx context.Context, output io.Writer, arguments ...string) error {
	cmd := t.host.Command(ctx, append(append([]string{t.binary}, arguments...), "-no-color")...)
	cmd.Dir, cmd.Env = t.dir, t.env
	cmd.Stdout, cmd.Stderr = output, output
	return cmd.Run()
}

// HasChanges plans, and tells whether anything would change.
func (t *Terraform) HasChanges(ctx context.Context) (changes bool, plan string, err error) {
	plan, err = t.Run(ctx, "plan", "-detailed-exitcode")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return true, plan, nil
	}
	return false, plan, err
}
