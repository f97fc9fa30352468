package check

import (
	"context"
	"net/netip"
)

// A probe is one kind of check of one server.
type probe interface {
	Probe(ctx context.Context, server netip.AddrPort) error
}

type namedProbe struct {
	kind string // as health_check names it
	probe
}

// probes returns what a check names.
func (n Network) probes(check ServerCheck) []namedProbe {
	dial := n.dialer(socket{source: check.Source, mark: check.FirewallMark})
	var named []namedProbe
	if check.TCP != nil {
		named = append(named, namedProbe{"tcp", tcpProbe{dial: dial, check: *check.TCP}})
	}
	if check.HTTP != nil {
		named = append(named, namedProbe{"http", httpProbe{dial: dial, check: *check.HTTP}})
	}
	if check.DNS != nil {
		named = append(named, namedProbe{"dns", dnsProbe{dial: dial, check: *check.DNS}})
	}
	if check.GRPC != nil {
		named = append(named, namedProbe{"grpc", grpcProbe{dial: dial, check: *check.GRPC}})
	}
	if check.SMTP != nil {
		named = append(named, namedProbe{"smtp", smtpProbe{dial: dial, check: *check.SMTP}})
	}
	if check.UDP != nil {
		named = append(named, namedProbe{"udp", udpProbe{dial: dial, check: *check.UDP}})
	}
	if check.Ping != nil {
		named = append(named, namedProbe{"ping", pingProbe{dial: dial, check: *check.Ping}})
	}
	if check.Script != nil {
		named = append(named, namedProbe{"script", scriptProbe{sandbox: n.Sandbox, service: check.Server.VirtualServer, script: *check.Script}})
	}
	return named
}
