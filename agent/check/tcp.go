package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxTCPAnswer is how much of what a server sends is looked at, in bytes.
const maxTCPAnswer = 64 << 10

// tcpProbe passes when a connection is accepted, and the server says what is expected.
type tcpProbe struct {
	dial  dialFunc
	check spec.TCPCheck
}

// Probe implements probe.
func (p tcpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	conn, err := p.dial(ctx, "tcp", aim(server, p.check.Address, p.check.Port).String())
	if err != nil {
		return networkReason(ctx, err)
	}
	defer func() { _ = conn.Close() }() // how the connection ends says nothing about the server
	defer obey(ctx, conn)()
	if p.check.Send != "" {
		if _, err := io.WriteString(conn, p.check.Send); err != nil {
			return networkReason(ctx, err)
		}
	}
	if p.check.Expect == "" {
		return nil
	}
	return p.listen(ctx, conn)
}

// listen reads until what is expected has come.
func (p tcpProbe) listen(ctx context.Context, conn net.Conn) error {
	var heard []byte
	piece := make([]byte, 4<<10)
	for {
		n, err := conn.Read(piece)
		heard = append(heard, piece[:n]...)
		switch {
		case bytes.Contains(heard[:min(len(heard), maxTCPAnswer)], []byte(p.check.Expect)):
			return nil
		case len(heard) >= maxTCPAnswer:
			return fmt.Errorf("the first %d KiB do not contain the expected %q", maxTCPAnswer>>10, clean(p.check.Expect))
		case errors.Is(err, io.EOF) && len(heard) > 0:
			return fmt.Errorf("the answer does not contain the expected %q: %s", clean(p.check.Expect), clean(string(heard)))
		case err != nil:
			return networkReason(ctx, err)
		}
	}
}
