package provider

import (
	"slices"
	"strings"
	"sync"
)

// journal is the requests to several directors in the order in which they came.
type journal struct {
	mu       sync.Mutex
	requests []string
}

func (j *journal) add(request string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = append(j.requests, request)
}

// writes returns the requests since the last call that were to change something, such as
// "d1 PUT /v1/virtual-servers/web".
func (j *journal) writes() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := slices.DeleteFunc(j.requests, func(r string) bool {
		return strings.Contains(r, " GET ") || strings.Contains(r, "dry_run=true")
	})
	j.requests = nil
	return requests
}
