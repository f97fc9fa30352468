package httpapi

import (
	"net/http"
	"strconv"
	"time"
)

const (
	// maxRequests is how many requests may be under way at a time. More would not be answered sooner, and each costs
	// memory.
	maxRequests = 256
	// maxLarge is the same of those whose body is larger than MaxBody, or does not say how large it is.
	maxLarge = 4
	// relief is when those above that may come back.
	relief = time.Second
)

// overload refuses requests when there are too many already, so that those that are under way come to an end.
type overload struct {
	all, large chan struct{}
	next       http.Handler
}

func withoutOverload(next http.Handler) http.Handler {
	return &overload{all: make(chan struct{}, maxRequests), large: make(chan struct{}, maxLarge), next: next}
}

func (o *overload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isHealth(r) {
		o.next.ServeHTTP(w, r)
		return
	}
	slots := []chan struct{}{o.all}
	if r.ContentLength > MaxBody || r.ContentLength < 0 {
		slots = append(slots, o.large)
	}
	for _, slot := range slots {
		select {
		case slot <- struct{}{}:
			defer func() { <-slot }()
		default:
			w.Header().Set("Retry-After", strconv.Itoa(int(relief.Seconds())))
			writeProblem(w, http.StatusServiceUnavailable, "this director has too many requests under way: ask again in a second")
			return
		}
	}
	o.next.ServeHTTP(w, r)
}
