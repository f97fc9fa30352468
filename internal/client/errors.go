package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Error is an answer of a director that is not what was asked for.
type Error struct {
	// Director is the name of the director that answered, Op what it was asked to do.
	Director, Op string
	// Problem is what it said. Status is the HTTP status.
	Problem spec.Problem
}

// Error names the director, what was tried, and how to mend it.
func (e *Error) Error() string {
	return fmt.Sprintf("director %s: %s: %s", e.Director, e.Op, e.Reason())
}

// Reason is the error without the director and without what was tried.
func (e *Error) Reason() string {
	switch e.Problem.Status {
	case http.StatusUnauthorized:
		return "it refused the token: set token (or LVS_TOKEN) to one of the agent's tokens, or use a client certificate" + e.said()
	case http.StatusForbidden:
		return "the token may not do that: use one with the write scope" + e.said()
	}
	switch p := e.Problem; {
	case p.Detail != "":
		return p.Detail
	case p.Errors != nil:
		return p.Errors.Error()
	case p.Title != "":
		return p.Title
	default:
		return fmt.Sprintf("it answered with status %d", p.Status)
	}
}

func (e *Error) said() string {
	if e.Problem.Detail == "" {
		return ""
	}
	return " (" + e.Problem.Detail + ")"
}

// IsStatus reports whether err is a director's answer with that HTTP status.
func IsStatus(err error, status int) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && answer.Problem.Status == status
}

// UnreachableError says that no answer came: the host or the agent is down, too slow, or is not who
// it should be. Whether the request was carried out is not known.
type UnreachableError struct {
	Director, Endpoint, Op string
	Err                    error
}

// Error names the director and what to look at.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("director %s: %s: %s", e.Director, e.Op, e.Reason())
}

// Reason is the error without the director and without what was tried.
func (e *UnreachableError) Reason() string {
	return fmt.Sprintf("no answer from %s: %s", e.Endpoint, diagnose(e.Err))
}

// Unwrap returns what the network said.
func (e *UnreachableError) Unwrap() error { return e.Err }

// IsUnreachable reports whether err says that a director did not answer.
func IsUnreachable(err error) bool {
	_, ok := errors.AsType[*UnreachableError](err)
	return ok
}

func (c *Client) unreachable(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("director %s: %s: %w", c.name, op, err)
	}
	return &UnreachableError{Director: c.name, Endpoint: c.endpoint, Op: op, Err: err}
}

// refusal reads the problem that a director answered with; something else in its place may answer
// with anything.
func (c *Client) refusal(op string, resp *http.Response, answer []byte) error {
	e := &Error{Director: c.name, Op: op, Problem: spec.Problem{Status: resp.StatusCode, Title: resp.Status}}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // whatever it is, it is no problem+json
	if media != "application/problem+json" {
		e.Problem.Detail = fmt.Sprintf("the answer (%s) is not that of lvs-agent: is %s the right endpoint?", resp.Status, c.endpoint)
		return e
	}
	var p spec.Problem
	if err := spec.DecodeAnswer(bytes.NewReader(answer), &p); err != nil {
		e.Problem.Detail = fmt.Sprintf("the answer (%s) is cut off or garbled: %v", resp.Status, err)
		return e
	}
	p.Status = resp.StatusCode // the body's copy may be missing
	e.Problem = p
	return e
}

// stranger says that somebody answered well, but not as lvs-agent does.
func (c *Client) stranger(op string, status int, why error) error {
	return &Error{Director: c.name, Op: op, Problem: spec.Problem{Status: status,
		Detail: fmt.Sprintf("the answer is not that of lvs-agent: is %s the right endpoint? (%v)", c.endpoint, why)}}
}

// diagnose puts what the network said into words, with what to do about it.
func diagnose(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.As(err, &unknown):
		return "its certificate is signed by an authority that is not trusted here: set ca_cert_file to the CA of the agents"
	case errors.As(err, &host):
		return fmt.Sprintf("its certificate is for another name (%v): use that name in the endpoint, or a certificate that names it", host)
	case errors.As(err, &invalid):
		return fmt.Sprintf("its certificate is not valid (%v): renew it, or check the clocks", invalid)
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS: use http:// if it listens on loopback, or give the agent a certificate"
	case isAlert(err):
		return fmt.Sprintf("it broke off the TLS handshake (%v): does it want a client certificate (client_cert_file, client_key_file)?", errors.Unwrap(err))
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: is lvs-agent running there, and on that port?"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket: is lvs-agent running, and listening on it?"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied: the socket is its owner's only, run as the user of lvs-agent"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time: is the director up, and the port open in its firewall?"
	}
	return strings.TrimSpace(err.Error())
}

// isTLS reports whether the two sides could not agree on who they are: another attempt would not help.
func isTLS(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification) || errors.Is(err, http.ErrSchemeMismatch) || isAlert(err)
}

// isAlert reports whether the other side sent a TLS alert. crypto/tls has no type for it: it says so
// in the operation of a net.OpError.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}
