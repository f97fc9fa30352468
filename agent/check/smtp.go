package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxSMTPAnswer is how much a mail server may say in all, in bytes.
const maxSMTPAnswer = 64 << 10

// smtpProbe passes when a mail server greets, answers EHLO, and begins TLS if it is to.
type smtpProbe struct {
	dial  dialFunc
	check spec.SMTPCheck
}

// Probe implements probe.
func (p smtpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	server = aim(server, p.check.Address, p.check.Port)
	conn, err := p.dial(ctx, "tcp", server.String())
	if err != nil {
		return networkReason(ctx, err)
	}
	defer func() { _ = conn.Close() }() // how the connection ends says nothing about the server
	defer obey(ctx, conn)()
	conn = &bounded{Conn: conn, left: maxSMTPAnswer}
	if p.check.TLS != nil {
		config, err := tlsConfig(*p.check.TLS, "", server.Addr())
		if err != nil {
			return err
		}
		conn = tls.Client(conn, config)
	}
	if err := p.converse(conn, server.Addr()); err != nil {
		return smtpReason(ctx, err)
	}
	return nil
}

// converse says all that is to be said over a connection.
func (p smtpProbe) converse(conn net.Conn, server netip.Addr) error {
	if secure, ok := conn.(*tls.Conn); ok {
		if err := secure.Handshake(); err != nil {
			return err
		}
	}
	client, err := smtp.NewClient(conn, server.String())
	if err != nil {
		return stage{"the greeting", err}
	}
	if err := client.Hello(p.check.Hello); err != nil {
		return stage{"the answer to EHLO", err}
	}
	if p.check.STARTTLS != nil {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("the server does not offer STARTTLS")
		}
		config, err := tlsConfig(*p.check.STARTTLS, "", server)
		if err != nil {
			return err
		}
		if err := client.StartTLS(config); err != nil {
			return stage{"the answer to STARTTLS", err}
		}
	}
	_ = client.Quit() // out of courtesy: the server has shown that it works
	return nil
}

// stage is where in a conversation something went wrong.
type stage struct {
	at  string
	err error
}

func (s stage) Error() string { return s.at + ": " + s.err.Error() }

func (s stage) Unwrap() error { return s.err }

// smtpReason puts an error of a conversation into words.
func smtpReason(ctx context.Context, err error) error {
	if reason := tlsReason(err); reason != nil {
		return reason
	}
	if errors.Is(err, errTooMuch) {
		return fmt.Errorf("the server says more than %d KiB", maxSMTPAnswer>>10)
	}
	at := "the conversation"
	if s, ok := errors.AsType[stage](err); ok {
		at = s.at
	}
	if refused, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("%s is %d %s", at, refused.Code, clean(refused.Msg))
	}
	if garbage, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return fmt.Errorf("%s is not SMTP: %s", at, clean(strings.TrimPrefix(garbage.Error(), "malformed ")))
	}
	return networkReason(ctx, err)
}

// bounded is a connection that fails when too much comes.
type bounded struct {
	net.Conn
	left int // bytes
}

var errTooMuch = errors.New("too much was sent")

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
