package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// programsVariable names the folder of the built programs to the run inside the guest.
const programsVariable = "LVS_LAB_PROGRAMS"

// BuildPrograms builds the provider and the agent from the tree at root, into a folder of its bin/ and with these
// flags of go build. It is for TestMain, before Main: a compiler inside the guest would take minutes, so there it
// only finds what was built outside.
func BuildPrograms(root, folder string, flags ...string) error {
	if os.Getenv(programsVariable) != "" {
		return nil
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "bin", folder)
	arguments := slices.Concat([]string{"build"}, flags, []string{"-o", bin + string(filepath.Separator), ".", "./agent/cmd/lvs-agent"})
	cmd := exec.Command("go", arguments...) // #nosec G204 -- the tests' own flags
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, output)
	}
	return os.Setenv(programsVariable, bin)
}

// Program returns the path of what BuildPrograms built: terraform-provider-lvs or lvs-agent.
func Program(name string) string { return filepath.Join(os.Getenv(programsVariable), name) }
