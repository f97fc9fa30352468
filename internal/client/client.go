// Package client speaks the HTTP API of lvs-agent: one Client is one director.
//
// It knows requests, repetitions and errors. It must not know Terraform, nor that there is more than
// one director: what a failure on one of them means for the others is its caller's affair.
package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Config says where a director is and how to be let in.
type Config struct {
	// Name is what errors call the director.
	Name string
	// Endpoint is https://HOST:PORT, http://LOOPBACK:PORT or unix:///PATH.
	Endpoint string
	// Token is sent as a bearer token; empty sends none.
	Token string
	// CACert, ClientCert and ClientKey are PEM. Without CACert the system's authorities are trusted;
	// ClientCert and ClientKey come together or not at all.
	CACert, ClientCert, ClientKey []byte
	// Timeout bounds one call with its repetitions; 0 is 30 seconds.
	Timeout time.Duration
}

const (
	defaultTimeout = 30 * time.Second
	// A director is repaired or restarted in seconds: two short repetitions bridge a restart of the
	// agent, and a dead director is still known as dead within a second.
	repetitions  = 2
	firstBackoff = 150 * time.Millisecond
	lastBackoff  = 600 * time.Millisecond
	// maxCalls is how many calls of a client are under way at a time; others wait for their turn, which is no part of
	// their timeout. It is how many objects Terraform works on unless told otherwise, so that who tells it
	// otherwise floods no director.
	maxCalls = 10
	// maxAnswer bounds an answer in bytes: ten thousand real servers are about 3 MB.
	maxAnswer = 64 << 20
)

// Client talks to one director. It may be used by several goroutines.
type Client struct {
	name     string
	endpoint string
	base     *url.URL
	token    string
	timeout  time.Duration
	http     *retryablehttp.Client
	// calls holds a token for each call that is under way.
	calls chan struct{}
}

// New checks the configuration and returns a client. It sends nothing.
func New(c Config) (*Client, error) {
	base, transport, err := dial(c)
	if err != nil {
		return nil, fmt.Errorf("director %s: %w", c.Name, err)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return &Client{
		calls:    make(chan struct{}, maxCalls),
		name:     c.Name,
		endpoint: c.Endpoint,
		base:     base,
		token:    c.Token,
		timeout:  c.Timeout,
		http: &retryablehttp.Client{
			HTTPClient: &http.Client{
				Transport: transport,
				// A director does not redirect, and the token must not follow one elsewhere.
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			RetryMax:     repetitions,
			RetryWaitMin: firstBackoff,
			RetryWaitMax: lastBackoff,
			CheckRetry:   again,
			Backoff:      backoff,
			// The default throws the answer away, and with it the problem that says what is wrong.
			ErrorHandler: retryablehttp.PassthroughErrorHandler,
		},
	}, nil
}

// Name returns what errors call the director.
func (c *Client) Name() string { return c.name }

// Endpoint returns the endpoint as it was configured.
func (c *Client) Endpoint() string { return c.endpoint }

// Snapshot reads everything the director was asked for, and its drift.
func (c *Client) Snapshot(ctx context.Context) (*spec.Snapshot, error) {
	s, _, err := c.SnapshotUnless(ctx, "")
	return s, err
}

// SnapshotUnless is Snapshot for who may have one already: it returns nil while the director's is still that of the
// entity tag, and otherwise the tag of the one that it returns.
func (c *Client) SnapshotUnless(ctx context.Context, known string) (_ *spec.Snapshot, etag string, err error) {
	var s spec.Snapshot
	const op = "read the snapshot"
	r := request{method: http.MethodGet, path: []string{"v1", "snapshot"}, header: http.Header{}, etag: &etag}
	if known != "" {
		r.header.Set("If-None-Match", known)
	}
	switch err := c.call(ctx, op, r, &s); {
	case errors.Is(err, errNotModified):
		return nil, known, nil
	case err != nil:
		return nil, "", err
	}
	if s.Version == "" {
		return nil, "", c.stranger(op, http.StatusOK, errors.New("no version"))
	}
	return &s, etag, nil
}

// Status reads what is happening on the director now.
func (c *Client) Status(ctx context.Context) (*spec.Status, error) {
	var s spec.Status
	const op = "read the status"
	if err := c.call(ctx, op, request{method: http.MethodGet, path: []string{"v1", "status"}}, &s); err != nil {
		return nil, err
	}
	if s.Version == "" {
		return nil, c.stranger(op, http.StatusOK, errors.New("no version"))
	}
	return &s, nil
}

// Backup reads a copy of the director's state, which holds its secrets, as lvs-agent restore takes it.
func (c *Client) Backup(ctx context.Context) (file []byte, err error) {
	err = c.call(ctx, "back up the state", request{method: http.MethodGet, path: []string{"v1", "backup"}}, &file)
	return file, err
}

// IPVSTable reads the table of the director's kernel, services of others included. IsStatus(err, 503) while the
// kernel has none.
func (c *Client) IPVSTable(ctx context.Context) (*spec.IPVSTable, error) {
	var t spec.IPVSTable
	const op = "read the IPVS table"
	if err := c.call(ctx, op, request{method: http.MethodGet, path: []string{"v1", "ipvs-table"}}, &t); err != nil {
		return nil, err
	}
	if t.Services == nil {
		return nil, c.stranger(op, http.StatusOK, errors.New("no services"))
	}
	return &t, nil
}

// Failover has a VRRP instance of the director hand over and stay away, and returns it as it is then.
// IsStatus(err, 409) when nobody took over. It lasts up to twice the advertisement interval.
func (c *Client) Failover(ctx context.Context, name string) (*spec.Object[spec.VRRPInstance, spec.VRRPInstanceStatus], error) {
	return c.VRRPInstances().object(ctx, "fail over VRRP instance "+name, request{method: http.MethodPost, path: failoverOf(name)})
}

// EndFailover has it take part again as before.
func (c *Client) EndFailover(ctx context.Context, name string) error {
	return c.call(ctx, "end the failover of VRRP instance "+name, request{method: http.MethodDelete, path: failoverOf(name)}, nil)
}

// Drain gives a real server, by its import id, no new connections until EndDrain, and returns it as it is then.
func (c *Client) Drain(ctx context.Context, key string) (*spec.Object[spec.RealServer, spec.RealServerStatus], error) {
	return c.RealServers().object(ctx, "drain real server "+key, request{method: http.MethodPost, path: drainOf(key)})
}

// EndDrain gives it connections again. That it has them is success.
func (c *Client) EndDrain(ctx context.Context, key string) error {
	return c.call(ctx, "end the drain of real server "+key, request{method: http.MethodDelete, path: drainOf(key)}, nil)
}

func drainOf(key string) []string { return append(byService(key), "drain") }

func failoverOf(name string) []string { return append(byName("vrrp-instances")(name), "failover") }

type request struct {
	method string
	path   []string
	query  url.Values
	header http.Header
	body   []byte
	// etag receives the entity tag of the answer, unless it is nil.
	etag *string
}

// errNotModified is no error of the director's: it answers an If-None-Match.
var errNotModified = errors.New("not modified")

// call sends a request and decodes the answer into out, unless out is nil. op says in an error what
// was tried: "put virtual server web".
func (c *Client) call(ctx context.Context, op string, r request, out any) error {
	select {
	case c.calls <- struct{}{}:
		defer func() { <-c.calls }()
	case <-ctx.Done():
		return c.unreachable(op, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	target := c.base.JoinPath(r.path...)
	target.RawQuery = r.query.Encode()
	var body any // an untyped nil: a request without a body
	if r.body != nil {
		body = r.body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return fmt.Errorf("director %s: %s: %w", c.name, op, err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(op, err)
	}
	defer func() { _ = resp.Body.Close() }() // it has been read, or the answer is given up
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return c.unreachable(op, err)
	}
	if len(answer) > maxAnswer {
		return &Error{Director: c.name, Op: op, Problem: spec.Problem{
			Detail: fmt.Sprintf("the answer is longer than %d MiB: is %s really lvs-agent?", maxAnswer>>20, c.endpoint)}}
	}
	if resp.StatusCode == http.StatusNotModified && r.header.Get("If-None-Match") != "" {
		return errNotModified
	}
	if resp.StatusCode >= 300 {
		return c.refusal(op, resp, answer)
	}
	if r.etag != nil {
		*r.etag = resp.Header.Get("ETag")
	}
	if out == nil {
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	if err := spec.DecodeAnswer(bytes.NewReader(answer), out); err != nil {
		return c.stranger(op, resp.StatusCode, err)
	}
	return nil
}

// again decides whether a request is sent once more: when nobody answered at once, or a proxy or a
// starting agent says that it is not ready. Every request of this API may be repeated.
func again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return !permanent(err), nil
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

// permanent reports whether another attempt would fail in the same way, or take as long again to.
func permanent(err error) bool {
	var timeout interface{ Timeout() bool }
	return isTLS(err) || errors.As(err, &timeout) && timeout.Timeout()
}

func backoff(first, last time.Duration, attempt int, _ *http.Response) time.Duration {
	return min(first<<attempt, last)
}
