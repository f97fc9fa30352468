package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// cluster is two directors, and folders in which Terraform runs.
type cluster struct {
	settings
	dir       string
	directors []*director
}

// start begins with directors that have nothing.
func (c *cluster) start(ctx context.Context) error {
	for _, name := range []string{"d1", "d2"} {
		d, err := startDirector(ctx, filepath.Join(c.bin, "lvs-agent"), filepath.Join(c.dir, name))
		if err != nil {
			return fmt.Errorf("start the agent %s: %w", name, err)
		}
		c.directors = append(c.directors, d)
	}
	return nil
}

func (c *cluster) stop() error {
	var errs []error
	for _, d := range c.directors {
		errs = append(errs, d.stop())
	}
	return errors.Join(errs...)
}

// requests returns how many requests the directors have had since the last call.
func (c *cluster) requests() (n int64) {
	for _, d := range c.directors {
		n += d.requests.Swap(0)
	}
	return n
}

// providerBlock is a configuration of the directors.
func (c *cluster) providerBlock() string {
	return fmt.Sprintf(`
provider "lvs" {
  directors = {
    d1 = { endpoint = "unix://%s" }
    d2 = { endpoint = "unix://%s" }
  }
}
`, c.directors[0].socket, c.directors[1].socket)
}

// workspace is a folder in which Terraform runs.
type workspace struct {
	program, dir string
	env          []string
}

// workspace makes a folder with this configuration. The providers are those of bin.
func (c *cluster) workspace(name, configuration string) (workspace, error) {
	w := workspace{program: c.terraform, dir: filepath.Join(c.dir, name)}
	settings := fmt.Sprintf(`disable_checkpoint = true
provider_installation {
  dev_overrides {
    "lvs-director/lvs"   = %[1]q
    "lvs-director/empty" = %[1]q
  }
}
`, c.bin)
	main := fmt.Sprintf("terraform {\n  required_providers {\n    %[1]s = {\n      source = \"lvs-director/%[1]s\"\n    }\n  }\n}\n%[2]s", name, configuration)
	err := os.MkdirAll(w.dir, 0o755)
	for file, text := range map[string]string{"main.tf": main, "cli.tfrc": settings} {
		if err == nil {
			err = os.WriteFile(filepath.Join(w.dir, file), []byte(text), 0o600)
		}
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "LVS_") {
			w.env = append(w.env, variable)
		}
	}
	w.env = append(w.env, "TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	return w, err
}

// cost is what a command took: the time that passed, and the processor's, the providers' included.
type cost struct{ passed, processor time.Duration }

// run runs terraform, and tells what it cost.
func (w workspace) run(ctx context.Context, arguments ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, w.program, append(arguments, "-no-color")...)
	cmd.Dir, cmd.Env = w.dir, w.env
	start := time.Now()
	output, err := cmd.CombinedOutput()
	c := cost{passed: time.Since(start)}
	if err != nil {
		return c, fmt.Errorf("terraform %s: %w\n%s", strings.Join(arguments, " "), err, output[max(0, len(output)-2000):])
	}
	c.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return c, nil
}

func (w workspace) apply(ctx context.Context) (cost, error) {
	return w.run(ctx, "apply", "-auto-approve")
}

func (w workspace) destroy(ctx context.Context) (cost, error) {
	return w.run(ctx, "destroy", "-auto-approve")
}

// plan is one without a difference, which is an error else.
func (w workspace) plan(ctx context.Context) (cost, error) {
	return w.run(ctx, "plan", "-detailed-exitcode")
}

// least returns the smaller one of two costs, of each kind. The zero cost is none.
func least(a, b cost) cost {
	if a == (cost{}) {
		return b
	}
	return cost{passed: min(a.passed, b.passed), processor: min(a.processor, b.processor)}
}
