package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"
)

// dialTimeout bounds the set-up of a connection: a host that is switched off does not refuse, it is
// silent.
const dialTimeout = 5 * time.Second

// CheckEndpoint reports why a string is not the endpoint of a director.
func CheckEndpoint(endpoint string) error {
	_, err := parseEndpoint(endpoint)
	return err
}

func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: write https://192.0.2.11:8443 or unix:///run/lvs-agent/agent.sock", endpoint)
	}
	if u.User != nil {
		return nil, errors.New("an endpoint holds no user or password: use token or a client certificate")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q has a query or a fragment: leave out all after the port", endpoint)
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			return nil, fmt.Errorf("%q does not name a socket by its absolute path: write unix:///run/lvs-agent/agent.sock", endpoint)
		}
		return u, nil
	case "https", "http":
	default:
		return nil, fmt.Errorf("%q does not begin with https://, http:// or unix://", endpoint)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%q names no host: write %s://192.0.2.11:8443", endpoint, u.Scheme)
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("%q would send the token in the clear: http:// is for loopback only, use https://%s", endpoint, u.Host)
	}
	return u, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// dial returns the address that requests are built on, and what carries them.
func dial(c Config) (*url.URL, *http.Transport, error) {
	base, err := parseEndpoint(c.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	security, err := tlsConfig(c)
	if err != nil {
		return nil, nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     security,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: maxCalls,
		IdleConnTimeout:     30 * time.Second,
	}
	if base.Scheme == "unix" {
		socket := base.Path
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
		base = &url.URL{Scheme: "http", Host: "localhost"}
	}
	return base, transport, nil
}

func tlsConfig(c Config) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CACert) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CACert) {
			return nil, errors.New("the CA certificate holds no certificate in PEM form")
		}
	}
	if len(c.ClientCert) == 0 && len(c.ClientKey) == 0 {
		return config, nil
	}
	if len(c.ClientCert) == 0 || len(c.ClientKey) == 0 {
		return nil, errors.New("a client certificate and its key come together: one of them is missing")
	}
	pair, err := tls.X509KeyPair(c.ClientCert, c.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate and key: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
