package httpapi

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
)

// Scope is what a token allows.
type Scope string

// The scopes: looking, and changing, which includes looking.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
)

// Tokens are the bearer tokens that are let in. The file has one a line,
//
//	NAME SCOPE sha256:HEX
//
// with the hash of the token, or, for a first try, the token itself alone on its line, with the scope
// write. Blank lines and lines that begin with # are passed over.
type Tokens struct{ entries []token }

type token struct {
	name  string
	scope Scope
	hash  [sha256.Size]byte
}

// LoadTokens reads the file. One that others may read is refused.
func LoadTokens(path string) (*Tokens, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read the tokens: %s is mode %04o, others can read it: chmod 600 %[1]s", path, mode)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	tokens, err := ParseTokens(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return tokens, nil
}

// ParseTokens reads the text of a tokens file. Errors begin with the number of the line, and never
// repeat it: it may hold a secret.
func ParseTokens(data []byte) (*Tokens, error) {
	tokens := &Tokens{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) == 1:
			tokens.entries = append(tokens.entries, token{
				name: fmt.Sprintf("line %d", n), scope: ScopeWrite, hash: sha256.Sum256([]byte(fields[0])),
			})
		case len(fields) == 3:
			entry := token{name: fields[0], scope: Scope(fields[1])}
			if entry.scope != ScopeRead && entry.scope != ScopeWrite {
				return nil, fmt.Errorf("%d: the scope is neither read nor write", n)
			}
			digest, ok := strings.CutPrefix(fields[2], "sha256:")
			sum, err := hex.DecodeString(digest)
			if !ok || err != nil || len(sum) != sha256.Size {
				return nil, fmt.Errorf("%d: the third word is not sha256: and 64 hexadecimal digits: make it with printf %%s TOKEN | sha256sum", n)
			}
			copy(entry.hash[:], sum)
			tokens.entries = append(tokens.entries, entry)
		default:
			return nil, fmt.Errorf("%d: a line is NAME SCOPE sha256:HEX", n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("0: %w", err)
	}
	if len(tokens.entries) == 0 {
		return nil, fmt.Errorf("1: there is no token in it")
	}
	return tokens, nil
}

// find returns the entry of a secret. Every entry is compared, so that the time tells nothing.
func (t *Tokens) find(secret string) (token, bool) {
	hash := sha256.Sum256([]byte(secret))
	var found token
	ok := false
	for _, entry := range t.entries {
		if subtle.ConstantTimeCompare(hash[:], entry.hash[:]) == 1 {
			found, ok = entry, true
		}
	}
	return found, ok
}

// onlyReads reports whether a request changes nothing, and asks for nothing that a reader must not have.
func onlyReads(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != backupPath
}

// guard lets in whoever has a token of the needed scope or a client certificate that the listener has
// verified; without tokens everybody: a listener that is open to the network has them, or asks for
// certificates (config.Validate).
func (t *Tokens) guard(next http.Handler, log *slog.Logger) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/livez" || r.URL.Path == "/readyz" || (r.TLS != nil && len(r.TLS.VerifiedChains) > 0) {
			next.ServeHTTP(w, r)
			return
		}
		secret, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		entry, known := t.find(secret)
		switch {
		case !given:
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, http.StatusUnauthorized, "a token is needed: send Authorization: Bearer TOKEN")
		case !known:
			log.Warn("refused a token", "remote", r.RemoteAddr, "path", r.URL.Path)
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			writeProblem(w, http.StatusUnauthorized, "the token is not known here: compare it with the agent's token file")
		case entry.scope == ScopeRead && !onlyReads(r):
			writeProblem(w, http.StatusForbidden, fmt.Sprintf("token %q may read only: use one with the scope write", entry.name))
		default:
			next.ServeHTTP(w, r)
		}
	})
}
