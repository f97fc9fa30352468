package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// A Prober probes a target once: nil is a pass, so is a Weight, and the text of an error is the reason that a person
// reads, such as "connection refused". It returns when the context ends, whose deadline is the check's
// timeout. It is called from many goroutines at once, but not twice at a time for one check.
type Prober interface {
	Server(ctx context.Context, check ServerCheck) error
	Script(ctx context.Context, script spec.CheckScript) error
}

// ServerCheck is one round of a real server's health check. Every kind that is there must pass.
type ServerCheck struct {
	Server spec.ServerKey
	TCP    *spec.TCPCheck
	HTTP   *spec.HTTPCheck
	DNS    *spec.DNSCheck
	GRPC   *spec.GRPCCheck
	SMTP   *spec.SMTPCheck
	UDP    *spec.UDPCheck
	Ping   *spec.PingCheck
	Script *ServerScript
	// Source and FirewallMark are as spec.HealthCheck has them. A script does as it likes.
	Source       string
	FirewallMark int64
}

// onlyConnects reports whether it asks for a TCP connection and nothing else.
func (c ServerCheck) onlyConnects() bool {
	return c.TCP != nil && c.TCP.Send == "" && c.TCP.Expect == "" &&
		c == ServerCheck{Server: c.Server, TCP: c.TCP, Source: c.Source, FirewallMark: c.FirewallMark}
}

// ServerScript is the check script that a health check names.
type ServerScript struct {
	Name string
	// Command and Content are those of the script; there is neither when it does not exist.
	Command []string
	Content string
	// DynamicWeight is as spec.ScriptCheck has it.
	DynamicWeight bool
}

// missing reports whether the script does not exist.
func (s *ServerScript) missing() bool { return len(s.Command) == 0 && s.Content == "" }

// Weight is a pass that says which weight the server is to have. It is returned in the place of an error, as
// io.EOF is.
type Weight int

// Error says what is no failure.
func (w Weight) Error() string { return fmt.Sprintf("its check script gives it the weight %d", int(w)) }

// Network is the Prober of an agent at work: it sends packets and starts programs.
type Network struct {
	// Sandbox runs scripts. Without one, every script fails.
	Sandbox *sandbox.Sandbox
	// Dial makes the connections, with a dialer that is set up as the check asks; nil is the dialer itself.
	Dial func(d *net.Dialer, ctx context.Context, network, address string) (net.Conn, error)
}

// Script implements Prober.
func (n Network) Script(ctx context.Context, script spec.CheckScript) error {
	return scriptReason(n.Sandbox.Run(ctx, sandbox.Command{Line: script.Command, Content: script.Content}))
}

// Server implements Prober: all kinds at the same time, under the one deadline.
func (n Network) Server(ctx context.Context, check ServerCheck) error {
	probes := n.probes(check)
	if len(probes) == 0 {
		return errors.New("the health check names nothing to check")
	}
	results := make([]error, len(probes))
	var round sync.WaitGroup
	for i, p := range probes {
		round.Go(func() { results[i] = p.Probe(ctx, check.Server.Address) })
	}
	round.Wait()
	if len(probes) == 1 {
		return results[0]
	}
	var weight error
	for i, err := range results {
		if _, passed := errors.AsType[Weight](err); passed {
			weight, results[i] = err, nil
		} else if err != nil {
			results[i] = fmt.Errorf("%s: %w", probes[i].kind, err)
		}
	}
	if err := all(results); err != nil {
		return err
	}
	return weight
}
