package lab

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Installed reports what is missing to boot a guest, as the command that installs it.
func Installed() error { return installed(guestPackages()) }

// guestPackages returns the packages of the programs that boot a guest.
func guestPackages() map[string]string {
	return map[string]string{
		"linux.uml": "user-mode-linux",
		"modprobe":  "kmod",
		"ip":        "iproute2",
		"busybox":   "busybox-static",
		"gcc":       "gcc libc6-dev",
	}
}

// installed returns an error that names the packages of those programs that are not here.
func installed(packages map[string]string) error {
	var missing []string
	for program, name := range packages {
		if !present(program) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("missing here: apt-get install %s", strings.Join(missing, " "))
}

// present tells whether a program can be started, also one that only root has in the path.
func present(program string) bool {
	for _, name := range []string{program, "/usr/sbin/" + program, "/sbin/" + program} {
		if _, err := exec.LookPath(name); err == nil || errors.Is(err, exec.ErrDot) {
			return true
		}
	}
	return false
}
