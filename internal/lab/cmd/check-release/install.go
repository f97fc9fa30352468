package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// install has Terraform take this platform's archive as it would take it from a registry, check it, and ask it for its
// schema.
func install(ctx context.Context, terraform, dist, version string) error {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nobody misses it
	name := fmt.Sprintf("%s_%s_%s_%s.zip", project, version, runtime.GOOS, runtime.GOARCH)
	archive, err := os.ReadFile(filepath.Join(dist, name))
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"main.tf": fmt.Appendf(nil, "terraform {\n  required_providers {\n    lvs = {\n      source  = \"lvs-director/lvs\"\n      version = %q\n    }\n  }\n}\n", version),
		"cli.rc":  fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.Join(dir, "mirror")),
	}
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		files[filepath.Join("mirror", registry, "lvs-director", "lvs", name)] = archive
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return err
		}
	}
	for _, arguments := range [][]string{{"init", "-no-color"}, {"providers", "schema", "-json"}} {
		command := exec.CommandContext(ctx, terraform, arguments...)
		command.Dir = dir
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "cli.rc"), "CHECKPOINT_DISABLE=1"}
		output, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %w\n%s", terraform, strings.Join(arguments, " "), err, output)
		}
		if arguments[0] == "providers" && !strings.Contains(string(output), "lvs_virtual_server") {
			return fmt.Errorf("%s %s: there is no lvs_virtual_server", terraform, strings.Join(arguments, " "))
		}
	}
	return nil
}
