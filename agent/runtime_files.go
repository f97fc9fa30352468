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

// openTraces opens the file of what must outlive a killed agent. Each state folder has its own, since several agents
// can be on one machine, each in its network namespace.
func openTraces(c config.Config) (*vrrp.Traces, error) {
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
	traces, err := vrrp.OpenTraces(filepath.Join(dir, url.PathEscape(state)+".traces"))
	if err != nil {
		return nil, fmt.Errorf("keep traces for the next agent: %w", err)
	}
	return traces, nil
}
