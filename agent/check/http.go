package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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

// maxRedirects is how many redirects in a row are followed.
const maxRedirects = 10

// httpProbe passes when all requests are answered as expected, to the end and in time.
type httpProbe struct {
	dial  dialFunc
	check spec.HTTPCheck
}

// Probe implements probe.
func (p httpProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	server = aim(server, p.check.Address, p.check.Port)
	requests := p.check.Requests()
	for _, request := range requests {
		err := p.ask(ctx, server, request)
		switch {
		case err != nil && len(requests) > 1:
			return fmt.Errorf("%s: %w", clean(request.Path), err)
		case err != nil:
			return err
		}
	}
	return nil
}

// ask sends a request and looks at the answer.
func (p httpProbe) ask(ctx context.Context, server netip.AddrPort, of spec.HTTPRequest) error {
	request, err := p.request(ctx, server, of)
	if err != nil {
		return fmt.Errorf("the path %q cannot be requested", clean(of.Path))
	}
	asking, done := context.WithCancel(ctx)
	defer done()
	transport, err := p.transport(asking, server, of)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	answer, err := p.send(transport, request)
	if err != nil {
		return httpReason(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if p.check.Version == spec.HTTP2 && answer.ProtoMajor != 2 {
		return errNotHTTP2
	}
	if !expectedStatus(of, answer.StatusCode) {
		return fmt.Errorf("status %d, want %s", answer.StatusCode, ranges(of.ExpectedStatus))
	}
	return answered(ctx, of, answer.Body)
}

var errNotHTTP2 = errors.New("the server does not speak HTTP/2")

// transport returns what carries a request. It is for one alone: no connection is reused, no proxy is taken from
// the environment, and none of its goroutines outlives the request.
func (p httpProbe) transport(ctx context.Context, server netip.AddrPort, of spec.HTTPRequest) (*http.Transport, error) {
	dial := until(ctx, p.dial)
	var versions http.Protocols
	versions.SetHTTP1(p.check.Version != spec.HTTP2)
	versions.SetHTTP2(p.check.Version == spec.HTTP2 && p.check.TLS != nil)
	versions.SetUnencryptedHTTP2(p.check.Version == spec.HTTP2 && p.check.TLS == nil)
	transport := &http.Transport{
		// Wherever a redirect leads, it is this server that is checked.
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, "tcp", server.String()) },
		Protocols:              &versions,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	var err error
	if p.check.TLS != nil {
		transport.TLSClientConfig, err = tlsConfig(*p.check.TLS, of.Host, server.Addr())
	}
	return transport, err
}

// send sends a request. Unless redirects are followed, an answer that redirects is the answer.
func (p httpProbe) send(transport *http.Transport, request *http.Request) (*http.Response, error) {
	if !p.check.FollowRedirects {
		return transport.RoundTrip(request)
	}
	client := http.Client{Transport: transport, CheckRedirect: mayFollow}
	return client.Do(request)
}

// mayFollow says why a redirect is not followed. One to another scheme would have to go to another port, which nothing
// tells here.
func mayFollow(next *http.Request, before []*http.Request) error {
	switch {
	case next.URL.Scheme != before[0].URL.Scheme:
		return redirectError{fmt.Sprintf("the server redirects to %s://, where this check does not go", clean(next.URL.Scheme))}
	case len(before) > maxRedirects:
		return redirectError{fmt.Sprintf("more than %d redirects", maxRedirects)}
	}
	return nil
}

// redirectError is why a redirect is not followed.
type redirectError struct{ why string }

func (e redirectError) Error() string { return e.why }

func (p httpProbe) request(ctx context.Context, server netip.AddrPort, of spec.HTTPRequest) (*http.Request, error) {
	scheme := "http://"
	if p.check.TLS != nil {
		scheme = "https://"
	}
	request, err := http.NewRequestWithContext(ctx, of.Method, scheme+server.String()+of.Path, strings.NewReader(of.Body))
	if err != nil {
		return nil, err
	}
	request.Host = of.Host // "" is the URL's
	request.Header.Set("User-Agent", userAgent)
	if who := p.check.BasicAuth; who != nil {
		request.SetBasicAuth(who.Username, string(who.Password))
	}
	for name, value := range of.Headers {
		request.Header.Set(name, value)
	}
	return request, nil
}

// answered reads an answer to its end, and keeps it only where something of it is expected.
func answered(ctx context.Context, of spec.HTTPRequest, answer io.Reader) error {
	var kept bytes.Buffer
	to := io.Discard
	if of.ExpectsBody() {
		to = &kept
	}
	switch n, err := io.Copy(to, io.LimitReader(answer, maxBody+1)); {
	case err != nil:
		return httpReason(ctx, err)
	case n > maxBody:
		return fmt.Errorf("the answer is longer than %d KiB: check a path with a short answer", maxBody>>10)
	}
	if !bytes.Contains(kept.Bytes(), []byte(of.ExpectedBody)) {
		return fmt.Errorf("the answer does not contain the expected %q", clean(of.ExpectedBody))
	}
	if err := matches(of.ExpectedMatch, kept.Bytes()); err != nil {
		return err
	}
	return hasJSON(of.ExpectedJSON, kept.Bytes())
}

func matches(expected string, answer []byte) error {
	if expected == "" {
		return nil
	}
	expression, err := regexp.Compile(expected)
	if err != nil {
		return fmt.Errorf("the regular expression %q cannot be used", clean(expected))
	}
	if !expression.Match(answer) {
		return fmt.Errorf("the answer does not match the expected %q", clean(expected))
	}
	return nil
}

func expectedStatus(of spec.HTTPRequest, status int) bool {
	for _, r := range of.ExpectedStatus {
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
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if redirect, ok := errors.AsType[redirectError](err); ok {
		return redirect
	}
	if reason := tlsReason(err); reason != nil {
		return reason
	}
	switch text := err.Error(); {
	case errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("the answer is not TLS: first record does not look like a TLS handshake")
	case strings.Contains(text, "client conn could not be established"), strings.Contains(text, "http2: frame too large"),
		strings.HasPrefix(text, "connection error: "), strings.Contains(text, "no application protocol"):
		return errNotHTTP2
	case strings.Contains(text, "response headers exceeded"):
		return fmt.Errorf("the answer's header is longer than %d KiB", maxHeader>>10)
	case strings.Contains(text, "server closed idle connection"):
		return networkReason(ctx, io.EOF)
	case strings.Contains(text, "malformed"):
		return fmt.Errorf("the answer is not HTTP: %s", clean(strings.TrimPrefix(text, "net/http: HTTP/1.x transport connection broken: ")))
	}
	return networkReason(ctx, err)
}
