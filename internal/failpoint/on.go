//go:build failpoints

package failpoint

import (
	"os"
	"syscall"
)

// Reach says that the program is at a point, and ends it there if a test wants that: at once, with nothing closed.
func Reach(p Point) {
	wanted, err := os.ReadFile(os.Getenv(Variable))
	if err != nil || Point(wanted) != p {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // not one step further
}
