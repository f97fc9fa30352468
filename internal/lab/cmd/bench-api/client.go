package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// client is one connection that is kept alive. It does no more than it has to, for it shares the processor with what is
// measured.
type client struct {
	conn   *tls.Conn
	answer *bufio.Reader
	host   string
}

func (p *pair) dial(ctx context.Context, endpoint string) (*client, error) {
	host := strings.TrimPrefix(endpoint, "https://")
	plain, err := p.Client.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, p.tls)
	return &client{conn: conn, answer: bufio.NewReader(conn), host: host}, conn.HandshakeContext(ctx)
}

// request is the text of a request; header is lines.
func (c *client) request(method, path, body, header string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%sContent-Length: %d\r\n\r\n%s", method, path, c.host, token, header, len(body), body)
}

// do sends a request, reads the answer to its end, and returns its ETag.
func (c *client) do(request []byte, want int) (etag string, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return "", err
	}
	r, err := http.ReadResponse(c.answer, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Body.Close()) }()
	if r.StatusCode != want {
		said, _ := io.ReadAll(io.LimitReader(r.Body, 1000))
		return "", fmt.Errorf("it answered %d %s", r.StatusCode, said)
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r.Header.Get("ETag"), err
}

// each runs work with so many clients at the same time, until one fails or the time is over.
func (p *pair) each(ctx context.Context, endpoint string, clients int, lasting time.Duration, work func(ctx context.Context, number int, c *client, began time.Time) error) error {
	all := make([]*client, clients)
	for i := range all {
		c, err := p.dial(ctx, endpoint)
		if err != nil {
			return err
		}
		defer func() { _ = c.conn.Close() }()
		all[i] = c
	}
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i, c := range all {
		group.Go(func() error { return work(ctx, i, c, began) })
	}
	return group.Wait()
}
