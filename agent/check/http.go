package check

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
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

// httpProbe passes when a GET request is answered with an expected status, to the end and in time.
type httpProbe struct {
	dial  dialFunc
	check spec.HTTPCheck
}

// Probe implements probe.
func (p httpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.String()+p.check.Path, nil)
	if err != nil {
		return fmt.Errorf("the path %q cannot be requested", clean(p.check.Path))
	}
	request.Header.Set("User-Agent", userAgent)

	// RoundTrip, not a Client: an answer that redirects is the answer. A Transport of its own for each
	// probe: no connection is reused, no proxy is taken from the environment, and none of its
	// goroutines outlives the request.
	transport := &http.Transport{
		DialContext:            p.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
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
	switch n, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody+1)); {
	case err != nil:
		return httpReason(ctx, err)
	case n > maxBody:
		return fmt.Errorf("the answer is longer than %d KiB: check a path with a short answer", maxBody>>10)
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
