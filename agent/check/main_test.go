package check

import (
	"os"
	"syscall"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
)

// A test that runs a program starts its own binary as the keeper of it.
func TestMain(m *testing.M) {
	if sandbox.IsKeeper(os.Args) {
		_ = sandbox.Keep(os.Stdin, os.Stdout)
		syscall.Exit(0) // without the second that the race detector waits in os.Exit
	}
	os.Exit(m.Run())
}
