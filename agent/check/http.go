package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// What an answer may hold at most. A page that a check asks for is small; a server that sends more has
// lost its way, or the check asks for the wrong page.
const (
	maxHeader = 64 << 10
	maxBody   = 1 << 20
)

// userAgent names the requests in the servers' logs.
const userAgent = "lvs-agent"

// httpProbe passes when a request is answered as expected, to the end and in time.
type httpProbe struct {
	dial  dialFunc
	check spec.HTTPCheck
}

// Probe implements probe.
func (p httpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	server = aim(server, p.check.Address, p.check.Port)
	request, err := p.request(ctx, server)
	if err != nil {
		return fmt.Errorf("the path %q cannot be requested", clean(p.check.Path))
	}

	// RoundTrip, not a Client: an answer that redirects is the answer. A Transport of its own for each
	// probe: no connection is reused, no proxy is taken from the environment, and none of its
	// goroutines outlives the request.
	transport := &http.Transport{
		DialContext:            p.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	if p.check.TLS != nil {
		if transport.TLSClientConfig, err = tlsConfig(*p.check.TLS, p.check.Host, server.Addr()); err != nil {
			return err
		}
	}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return httpReason(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if !p.expected(answer.StatusCode) {
		return fmt.Errorf("status %d, want %s", answer.StatusCode, ranges(p.check.ExpectedStatus))
	}
	return p.body(ctx, answer.Body)
}

func (p httpProbe) request(ctx context.Context, server netip.AddrPort) (*http.Request, error) {
	scheme := "http://"
	if p.check.TLS != nil {
		scheme = "https://"
	}
	request, err := http.NewRequestWithContext(ctx, p.check.Method, scheme+server.String()+p.check.Path, strings.NewReader(p.check.Body))
	if err != nil {
		return nil, err
	}
	request.Host = p.check.Host // "" is the URL's
	request.Header.Set("User-Agent", userAgent)
	for name, value := range p.check.Headers {
		request.Header.Set(name, value)
	}
	return request, nil
}

// body reads the answer to its end, and keeps it only where something of it is expected.
func (p httpProbe) body(ctx context.Context, answer io.Reader) error {
	var kept bytes.Buffer
	to := io.Discard
	if p.check.ExpectedBody != "" || p.check.ExpectedMatch != "" {
		to = &kept
	}
	switch n, err := io.Copy(to, io.LimitReader(answer, maxBody+1)); {
	case err != nil:
		return httpReason(ctx, err)
	case n > maxBody:
		return fmt.Errorf("the answer is longer than %d KiB: check a path with a short answer", maxBody>>10)
	}
	if !bytes.Contains(kept.Bytes(), []byte(p.check.ExpectedBody)) {
		return fmt.Errorf("the answer does not contain the expected %q", clean(p.check.ExpectedBody))
	}
	if p.check.ExpectedMatch == "" {
		return nil
	}
	expression, err := regexp.Compile(p.check.ExpectedMatch)
	if err != nil {
		return fmt.Errorf("the regular expression %q cannot be used", clean(p.check.ExpectedMatch))
	}
	if !expression.Match(kept.Bytes()) {
		return fmt.Errorf("the answer does not match the expected %q", clean(p.check.ExpectedMatch))
	}
	return nil
}

func (p httpProbe) expected(status int) bool {
	for _, r := range p.check.ExpectedStatus {
		if r.Contains(status) {
			return true
		}
	}
	return false
}

func ranges(expected []spec.StatusRange) string {
	words := make([]string, len(expected))
	for i, r := range expected {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}

// httpReason puts an error of net/http into words. For some it has no types, only texts.
func httpReason(ctx context.Context, err error) error {
	if reason := tlsReason(err); reason != nil {
		return reason
	}
	switch text := err.Error(); {
	case strings.Contains(text, "response headers exceeded"):
		return fmt.Errorf("the answer's header is longer than %d KiB", maxHeader>>10)
	case strings.Contains(text, "server closed idle connection"):
		return networkReason(ctx, io.EOF)
	case strings.Contains(text, "malformed"):
		return fmt.Errorf("the answer is not HTTP: %s", clean(strings.TrimPrefix(text, "net/http: HTTP/1.x transport connection broken: ")))
	}
	return networkReason(ctx, err)
}
