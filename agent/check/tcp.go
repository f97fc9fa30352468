package check

import (
	"context"
	"net/netip"
)

// tcpProbe passes when a connection is accepted.
type tcpProbe struct{ dial dialFunc }

// Probe implements probe.
func (p tcpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	conn, err := p.dial(ctx, "tcp", server.String())
	if err != nil {
		return networkReason(ctx, err)
	}
	_ = conn.Close() // the connection was there; how it ends says nothing about the server
	return nil
}
