package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// stillAnswered are the paths that say something although the state is not known.
func stillAnswered() []string {
	return []string{"/livez", "/readyz", "/metrics", "/v1/status", "/v1/ipvs-table", "/v1/events"}
}

// whileDegraded refuses all that is about the state, while there is none to go by. That objects are not there would
// be wrong: somebody would make them again.
func whileDegraded(reason error, next http.Handler) http.Handler {
	if reason == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(stillAnswered(), r.URL.Path) || strings.HasPrefix(r.URL.Path, openAPIPath) {
			next.ServeHTTP(w, r)
			return
		}
		writeProblem(w, http.StatusServiceUnavailable, "this director is degraded: "+reason.Error())
	})
}
