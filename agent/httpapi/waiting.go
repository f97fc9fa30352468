package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// maxWaiting is how many requests may wait for something to happen at a time: each keeps a connection.
	// A cluster has a handful of those who look on.
	maxWaiting = 64
	// comeBackAfter is what those above it are told.
	comeBackAfter = 5 * time.Second
)

// waiting counts the requests that wait.
type waiting chan struct{}

func newWaiting() waiting { return make(waiting, maxWaiting) }

// enter refuses with 503 when there are too many already. Whoever was let in calls leave.
func (w waiting) enter() (leave func(), err error) {
	select {
	case w <- struct{}{}:
		return func() { <-w }, nil
	default:
		return nil, huma.ErrorWithHeaders(
			newProblem(http.StatusServiceUnavailable, "too many requests wait for something to happen: end some, or ask again later", nil),
			http.Header{"Retry-After": {strconv.Itoa(int(comeBackAfter.Seconds()))}})
	}
}

// stopping is the key of the context, in that of a request, that ends when the server is to stop.
type stopping struct{}

// whileServing returns a context that ends with the request or when the server is to stop, whichever comes
// first. The context of a request that does not wait goes on meanwhile, so that it is answered.
func whileServing(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	server, ok := request.Value(stopping{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	forget := context.AfterFunc(server, cancel)
	return ctx, func() { forget(); cancel() }
}
