package wiretest

import (
	"os"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// TestMain makes this binary a director when a test has started it as one.
func TestMain(m *testing.M) {
	if dir := os.Getenv(directorVariable); dir != "" {
		os.Exit(directorMain(dir))
	}
	lab.Main(m, lab.NeedRoot, lab.NeedKeepalived, lab.NeedTcpdump)
}
