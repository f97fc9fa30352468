package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// maxSilence is when a stream counts as dead: a director says something four times as often.
	maxSilence = time.Minute
	// maxEvent bounds an event in bytes: one may name a thousand addresses.
	maxEvent = 1 << 20
)

var errSilence = errors.New("it has said nothing for " + maxSilence.String())

// Events follows what happens on the director after a revision (spec.Status has the last one), until ctx
// ends, the caller stops, or the director ends the stream, which it does when it stops, and after an event of
// the type spec.EventDropped. The last error, if there is one, ends the sequence: IsStatus(err, 410) when events
// after the revision are gone, IsUnreachable(err) when the connection broke. It goes on with the revision of
// the last event.
func (c *Client) Events(ctx context.Context, since uint64) iter.Seq2[spec.Event, error] {
	return func(yield func(spec.Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(maxSilence, func() { cancel(errSilence) })
		defer silence.Stop()
		err := c.follow(ctx, since, func() { silence.Reset(maxSilence) }, func(e spec.Event) bool { return yield(e, nil) })
		if err != nil {
			yield(spec.Event{}, err)
		}
	}
}

// follow hands each event to yield until it wants no more. alive is called when anything was heard.
func (c *Client) follow(ctx context.Context, since uint64, alive func(), yield func(spec.Event) bool) error {
	const op = "follow the events"
	target := c.base.JoinPath("v1", "events")
	target.RawQuery = url.Values{"since": {strconv.FormatUint(since, 10)}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return c.unreachable(op, err)
	}
	request.Header.Set("Accept", "text/event-stream, application/problem+json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.HTTPClient.Do(request)
	if err != nil {
		return c.unreachable(op, cause(ctx, err))
	}
	defer func() { _ = answer.Body.Close() }() // what is not read of it is not wanted
	if answer.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(answer.Body, maxEvent))
		if err != nil {
			return c.unreachable(op, cause(ctx, err))
		}
		return c.refusal(op, answer, text)
	}
	if media := answer.Header.Get("Content-Type"); !strings.HasPrefix(media, "text/event-stream") {
		return c.stranger(op, answer.StatusCode, errors.New("it is "+media+", and no stream of events"))
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		alive()
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue // what else there is, the data has, too
		}
		var e spec.Event
		if err := spec.DecodeAnswer(bytes.NewReader(data), &e); err != nil {
			return c.stranger(op, answer.StatusCode, err)
		}
		if !yield(e) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return c.unreachable(op, cause(ctx, err))
	}
	return nil
}

// cause returns why a context ended, if it did, and otherwise the error that it led to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
