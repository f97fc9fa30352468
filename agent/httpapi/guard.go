package httpapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// guard lets in whoever may come in. A listener that is open to the network has tokens, or asks for certificates
// (config.Validate); one that has neither serves everybody who reaches it.
type guard struct {
	tokens *Tokens
	// clients are the names of client certificates with what they allow; nil lets every certificate write that the
	// listener has verified.
	clients  map[string]Scope
	failures *failures
	log      *slog.Logger
	next     http.Handler
}

func newGuard(c Config, next http.Handler) http.Handler {
	g := &guard{tokens: c.Tokens, clients: c.Clients, failures: newFailures(), log: c.Log, next: next}
	// A page in the browser of somebody on this machine must not be able to change anything.
	return withRequestID(http.NewCrossOriginProtection().Handler(g))
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isHealth(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	who, refusal := g.identify(r)
	if refusal == nil && who.scope != ScopeWrite && !onlyReads(r) {
		refusal = newProblem(http.StatusForbidden, fmt.Sprintf("%s may read only: use a token or a certificate with the scope write", who.name), nil)
	}
	if refusal == nil {
		g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
		return
	}
	if refusal.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	source := sourceOf(r)
	if !g.failures.add(source, time.Now()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(failureWindow.Seconds())))
		writeProblem(w, http.StatusTooManyRequests, "too many requests from "+source+" were refused, wait a minute: "+refusal.Detail)
		return
	}
	g.log.Warn("refused a request", "source", source, "caller", who.name, "method", r.Method, "path", r.URL.Path, "status", refusal.Status)
	writeProblem(w, refusal.Status, refusal.Detail)
}

// isHealth reports whether anybody may ask, at any time.
func isHealth(r *http.Request) bool { return r.URL.Path == "/livez" || r.URL.Path == "/readyz" }

// onlyReads reports whether a request changes nothing, and asks for nothing that a reader must not have.
func onlyReads(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != backupPath
}

// identify finds out who sends a request. A right token counts whoever else is wrong: nobody can lock others out.
func (g *guard) identify(r *http.Request) (caller, *problem) {
	if peer, ok := r.Context().Value(peerKey{}).(caller); ok {
		return peer, nil
	}
	certified := r.TLS != nil && len(r.TLS.VerifiedChains) > 0
	who := caller{source: sourceOf(r)}
	if certified {
		who.name, who.scope = r.TLS.VerifiedChains[0][0].Subject.CommonName, ScopeWrite
		if g.clients != nil {
			who.scope = g.clients[who.name]
		}
		if who.scope != "" {
			return who, nil
		}
	}
	secret, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case g.tokens == nil && certified:
		return who, newProblem(http.StatusForbidden, fmt.Sprintf("the certificate of %q is not among auth.clients of the agent's file", who.name), nil)
	case g.tokens == nil:
		if !isHere(r) {
			return who, newProblem(http.StatusMisdirectedRequest, "this agent listens on loopback: ask for 127.0.0.1, [::1] or localhost", nil)
		}
		return caller{name: "anybody", source: who.source, scope: ScopeWrite}, nil
	case !given:
		return who, newProblem(http.StatusUnauthorized, "a token is needed: send Authorization: Bearer TOKEN", nil)
	}
	entry, known := g.tokens.find(secret)
	switch {
	case !known:
		return who, newProblem(http.StatusUnauthorized, "the token is not known here: compare it with the agent's token file", nil)
	case !entry.expires.IsZero() && !time.Now().Before(entry.expires):
		return caller{name: entry.name, source: who.source}, newProblem(http.StatusUnauthorized, fmt.Sprintf("token %q expired on %s", entry.name, entry.expires.Format(time.RFC3339)), nil)
	}
	return caller{name: entry.name, source: who.source, scope: entry.scope}, nil
}

// isHere reports whether a request that came in on loopback asks for loopback, and not for a name that somebody has
// pointed here so that a browser brings his requests (DNS rebinding).
func isHere(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

// requestKey is the key of a request's id in its context.
type requestKey struct{}

// requestIDHeader has the id by which a request and what was logged of it are brought together.
const requestIDHeader = "X-Request-Id"

// withRequestID gives every request an id, its sender's own where he has one.
func withRequestID(next http.Handler) http.Handler {
	fit := regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !fit.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}
