package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
)

// Variables of a script that checks a real server.
const (
	EnvVirtualServer = "LVS_VIRTUAL_SERVER" // name of the virtual server: web
	EnvServerAddress = "LVS_SERVER_ADDRESS" // 192.0.2.21, 2001:db8::21
	EnvServerPort    = "LVS_SERVER_PORT"    // 80
)

// scriptProbe runs a script for a real server.
type scriptProbe struct {
	sandbox *sandbox.Sandbox
	service string
	script  ServerScript
}

// Probe implements probe.
func (p scriptProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	if p.script.missing() {
		return fmt.Errorf("check script %q does not exist on this director", p.script.Name)
	}
	err := p.sandbox.Run(ctx, sandbox.Command{Line: p.script.Command, Content: p.script.Content, Environment: []string{
		EnvVirtualServer + "=" + p.service,
		EnvServerAddress + "=" + server.Addr().String(),
		fmt.Sprintf("%s=%d", EnvServerPort, server.Port()),
	}})
	if exit, ok := errors.AsType[*sandbox.ExitError](err); ok && p.script.DynamicWeight && exit.Status >= lowestWeight {
		return Weight(exit.Status - lowestWeight)
	}
	return scriptReason(err)
}

// lowestWeight is the exit status that stands for the weight 0, as in keepalived's misc_dynamic.
const lowestWeight = 2

// scriptReason says why a script's run failed, or nil.
func scriptReason(err error) error {
	var timeout timeoutError
	if errors.As(err, &timeout) {
		return fmt.Errorf("not done within %s, and killed", timeout.after)
	}
	return err
}
