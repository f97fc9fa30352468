package provider

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestMain finds Terraform (TF_ACC_TERRAFORM_PATH, TERRAFORM, else the PATH), and lets nothing of the
// developer's own set-up into the tests: neither a CLI configuration nor a variable.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		terraform := os.Getenv("TF_ACC_TERRAFORM_PATH")
		for _, name := range []string{os.Getenv("TERRAFORM"), "terraform", "tofu"} {
			if path, err := exec.LookPath(name); err == nil && terraform == "" {
				terraform = path
			}
		}
		for _, entry := range os.Environ() {
			name, _, _ := strings.Cut(entry, "=")
			if strings.HasPrefix(name, "TF_") || strings.HasPrefix(name, "LVS_") {
				_ = os.Unsetenv(name) // a name from the environment can be unset
			}
		}
		dir, err := os.MkdirTemp("", "provider-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		empty := filepath.Join(dir, "terraformrc")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := QuietLogs(); err != nil { // as main does
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// Thousands of short runs of Terraform: what each would collect goes with it. It saves a quarter of the processor's time.
		variables := map[string]string{"TF_CLI_CONFIG_FILE": empty, "CHECKPOINT_DISABLE": "1", "GOGC": "400"}
		if terraform != "" {
			variables["TF_ACC"], variables["TF_ACC_TERRAFORM_PATH"] = "1", terraform
		}
		for name, value := range variables {
			if err := os.Setenv(name, value); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return m.Run()
	}())
}

func factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"lvs": providerserver.NewProtocol6WithError(New("test")())}
}
