package check

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// tlsConfig returns how a probe speaks TLS to a server. host is the one that the request names, or "".
func tlsConfig(check spec.TLSCheck, host string, server netip.Addr) (*tls.Config, error) {
	config := &tls.Config{
		ServerName:         serverName(check, host, server),
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: !check.Verify, // #nosec G402 -- what verify = false asks for
		VerifyConnection: func(state tls.ConnectionState) error {
			return validFor(state.PeerCertificates[0], check.MinValidity.Std(), time.Now())
		},
	}
	if check.MinimumVersion == spec.TLS13 {
		config.MinVersion = tls.VersionTLS13
	}
	if check.ClientCertPEM != "" {
		certificate, err := tls.X509KeyPair([]byte(check.ClientCertPEM), []byte(check.ClientKeyPEM))
		if err != nil {
			return nil, fmt.Errorf("the client certificate cannot be used: %s", clean(err.Error()))
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	if check.CACertPEM != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(check.CACertPEM)) {
			return nil, errors.New("there is no certificate in ca_cert_pem")
		}
	}
	return config, nil
}

func serverName(check spec.TLSCheck, host string, server netip.Addr) string {
	switch name, _, err := net.SplitHostPort(host); {
	case check.ServerName != "":
		return check.ServerName
	case host == "":
		return server.String()
	case err == nil:
		return name
	}
	return host
}

// validityError is a certificate that expires too soon.
type validityError struct{ left, least time.Duration }

func (e validityError) Error() string {
	if e.left <= 0 {
		return "the certificate has expired"
	}
	return fmt.Sprintf("the certificate expires in %s, want at least %s", e.left.Truncate(time.Second), e.least)
}

// validFor reports a certificate that expires sooner than it may. Without a least validity its dates are the
// business of verification alone.
func validFor(certificate *x509.Certificate, least time.Duration, now time.Time) error {
	if left := certificate.NotAfter.Sub(now); least > 0 && left < least {
		return validityError{left: left, least: least}
	}
	return nil
}

// tlsReason puts an error of crypto/tls into words; nil when it is none.
func tlsReason(err error) error {
	if validity, ok := errors.AsType[validityError](err); ok {
		return validity
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate is refused: %s", clean(bad.Err.Error()))
	}
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("the answer is not TLS: %s", clean(header.Msg))
	}
	return nil
}
