package check

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// postOffice takes no mail; it refuses whoever comes from refused.example.
type postOffice struct{}

func (postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if c.Hostname() == "refused.example" {
		return nil, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "go away"}
	}
	return nil, nil
}

// mailServer returns the address of a mail server that offers STARTTLS when it has a certificate, or begins with TLS.
func mailServer(t *testing.T, certificate *tls.Config, begins func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if begins != nil {
		l = begins(l)
	}
	server := smtp.NewServer(postOffice{})
	server.TLSConfig, server.ErrorLog = certificate, log.New(io.Discard, "", 0)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return address
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	certificate, ca := selfSigned(t)
	plain := mailServer(t, nil, nil)
	offering := mailServer(t, certificate, nil)
	secure := mailServer(t, nil, func(l net.Listener) net.Listener { return tls.NewListener(l, certificate) })
	known, unknown := spec.DefaultTLSCheck(), spec.DefaultTLSCheck()
	known.CACertPEM = ca
	for name, tt := range map[string]struct {
		address string
		change  func(*spec.SMTPCheck)
		want    string
	}{
		"greets":                      {plain, func(*spec.SMTPCheck) {}, "passed"},
		"refuses a name":              {plain, func(v *spec.SMTPCheck) { v.Hello = "refused.example" }, "the answer to EHLO is 550 5.7.1 go away"},
		"begins TLS":                  {offering, func(v *spec.SMTPCheck) { v.STARTTLS = &known }, "passed"},
		"offers TLS, not asked for":   {offering, func(*spec.SMTPCheck) {}, "passed"},
		"does not offer TLS":          {plain, func(v *spec.SMTPCheck) { v.STARTTLS = &known }, "the server does not offer STARTTLS"},
		"begins TLS with a stranger":  {offering, func(v *spec.SMTPCheck) { v.STARTTLS = &unknown }, "the certificate is refused: x509: certificate signed by unknown authority"},
		"is behind TLS":               {secure, func(v *spec.SMTPCheck) { v.TLS = &known }, "passed"},
		"is behind TLS of a stranger": {secure, func(v *spec.SMTPCheck) { v.TLS = &unknown }, "the certificate is refused: x509: certificate signed by unknown authority"},
		"is not behind TLS":           {plain, func(v *spec.SMTPCheck) { v.TLS = &known }, "the answer is not TLS: first record does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := spec.DefaultSMTPCheck()
			tt.change(&check)
			got := probeServer(t, patience, ServerCheck{Server: key(tt.address), SMTP: &check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

// dialogue answers each line with the next text, the first before any line.
func dialogue(texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		lines := bufio.NewReader(c)
		for _, text := range texts {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			if _, err := lines.ReadString('\n'); err != nil {
				return
			}
		}
	}
}

func TestSMTPFromServersThatMisbehave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		address string
		brief   bool
		want    string
	}{
		"refuses":                     {closedPort(t), false, "connection refused"},
		"does not accept":             {blackhole(t), true, "no answer within 100ms"},
		"says nothing":                {serve(t, greets("")), true, "no answer within 100ms"},
		"closes at once":              {serve(t, hangUp), false, "the connection was closed without an answer"},
		"is not ready":                {serve(t, dialogue("421 4.3.2 shutting down\r\n")), false, "the greeting is 421 4.3.2 shutting down"},
		"is something else":           {serve(t, dialogue("HTTP/1.1 400 Bad Request\r\n")), false, `the greeting is not SMTP: short response: "HTTP/1.1 400 Bad Request"`},
		"is something with a dash":    {serve(t, greets("SSH-2.0-OpenSSH_9.2p1\r\n")), true, "no answer within 100ms"},
		"greets only":                 {serve(t, dialogue("220 hello\r\n")), false, "the connection was closed without an answer"},
		"knows HELO only":             {serve(t, dialogue("220 hello\r\n", "502 what\r\n", "250 hello\r\n", "221 bye\r\n")), false, "passed"},
		"does not answer QUIT":        {serve(t, dialogue("220 hello\r\n", "250 hello\r\n")), false, "passed"},
		"greets without an end":       {serve(t, endlessly(strings.Repeat("a", 1000))), false, "the server says more than 64 KiB"},
		"greets in lines without end": {serve(t, endlessly("220-hello\r\n")), false, "the server says more than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, timeout := spec.DefaultSMTPCheck(), patience
			if tt.brief {
				timeout = brief
			}
			got := probeServer(t, timeout, ServerCheck{Server: key(tt.address), SMTP: &check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSMTPIntroducesItselfAndTakesItsLeave(t *testing.T) {
	t.Parallel()
	said := make(chan []string, 1)
	there := netip.MustParseAddrPort(serve(t, func(c net.Conn) {
		var all []string
		lines := bufio.NewScanner(c)
		for _, answer := range []string{"220 hello", "250 hello", "221 bye"} {
			_, _ = io.WriteString(c, answer+"\r\n")
			if lines.Scan() {
				all = append(all, lines.Text())
			}
		}
		said <- all
	}))
	port := int(there.Port())
	check := spec.DefaultSMTPCheck()
	check.Address, check.Port, check.Hello = there.Addr(), &port, "d1.example.com"
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), SMTP: &check}); reason != "passed" {
		t.Error(reason)
	}
	if diff := cmp.Diff([]string{"EHLO d1.example.com", "QUIT"}, <-said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}
