package agent

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// runtimeDir is where files are that must not outlive the boot, unless the service manager names another
// folder (RuntimeDirectory= in systemd.exec).
const runtimeDir = "/run/lvs-agent"

// openAdvertTimes opens the file of the last adverts. Each state folder has its own, since several agents
// can be on one machine, each in its network namespace.
func openAdvertTimes(c config.Config) (*vrrp.AdvertTimes, error) {
	dir := os.Getenv("RUNTIME_DIRECTORY")
	if dir == "" {
		dir = runtimeDir
	}
	state, err := filepath.Abs(c.StateDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	times, err := vrrp.OpenAdvertTimes(filepath.Join(dir, url.PathEscape(state)+".adverts"))
	if err != nil {
		return nil, fmt.Errorf("keep the times of adverts: %w", err)
	}
	return times, nil
}
