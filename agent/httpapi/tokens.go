package httpapi

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Scope is what a token or a client certificate allows.
type Scope string

// The scopes: looking, and changing, which includes looking.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
)

// Tokens are the bearer tokens that are let in. The file has one a line,
//
//	NAME SCOPE sha256:HEX [EXPIRY]
//
// with the hash of the token and the day or time (RFC 3339) from which it is of no use any more, or, for a first
// try, the token itself alone on its line, of 16 characters at least, with the scope write. Blank lines and lines that
// begin with # are passed over. A file that changes is read again. One whose last line does not end is refused: somebody
// may be writing it, and a line that is cut can be another token, or one that never expires. A file that is one word is
// that token, whatever its length.
type Tokens struct{ file *reread[[]token] }

type token struct {
	name  string
	scope Scope
	hash  [sha256.Size]byte
	// expires is zero for one that does not.
	expires time.Time
}

const (
	// maxTokenFile bounds the file, in bytes.
	maxTokenFile = 1 << 20
	// minBareToken is how short a token alone on its line may be, in bytes: a name is shorter, and can be guessed.
	minBareToken = 16
)

// LoadTokens reads the file, and will read it again when it changes. One that others may read is refused.
func LoadTokens(path string, log *slog.Logger) (*Tokens, error) {
	file, err := newReread(func() ([]token, error) { return readTokens(path) },
		func(err error) { log.Error("the tokens that were read last still count", "error", err) }, path)
	if err != nil {
		return nil, err
	}
	return &Tokens{file: file}, nil
}

// Reload reads the file now. After an error the tokens that were read last still count.
func (t *Tokens) Reload() error { return t.file.now() }

func readTokens(path string) ([]token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return nil, fmt.Errorf("read the tokens: %s is no file", path)
	} else if mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read the tokens: %s is mode %04o, others can read it: chmod 600 %[1]s", path, mode.Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	entries, err := parseTokens(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return entries, nil
}

// ParseTokens makes tokens of the text of a file. Errors begin with the number of the line, and never repeat it: it
// may hold a secret.
func ParseTokens(data []byte) (*Tokens, error) {
	file, err := newReread(func() ([]token, error) { return parseTokens(data) }, nil)
	if err != nil {
		return nil, err
	}
	return &Tokens{file: file}, nil
}

func parseTokens(data []byte) ([]token, error) {
	if words := strings.Fields(string(data)); len(words) == 1 && !strings.HasPrefix(words[0], "#") {
		return []token{{name: "line 1", scope: ScopeWrite, hash: sha256.Sum256([]byte(words[0]))}}, nil
	}
	var entries []token
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		entry, err := parseToken(fields)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
		if entry.name == "" {
			entry.name = fmt.Sprintf("line %d", n)
		}
		entries = append(entries, entry)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("0: %w", err)
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return nil, fmt.Errorf("%d: the last line does not end, and may be cut: put a newline behind it", 1+bytes.Count(data, []byte{'\n'}))
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("1: there is no token in it")
	}
	return entries, nil
}

func parseToken(fields []string) (token, error) {
	switch len(fields) {
	case 1:
		if len(fields[0]) < minBareToken {
			return token{}, fmt.Errorf("one word alone is a token, and this one is too short: write NAME SCOPE sha256:HEX, or a random token of %d characters or more", minBareToken)
		}
		return token{scope: ScopeWrite, hash: sha256.Sum256([]byte(fields[0]))}, nil
	case 3, 4:
	default:
		return token{}, fmt.Errorf("a line is NAME SCOPE sha256:HEX, and an expiry if there is one")
	}
	entry := token{name: fields[0], scope: Scope(fields[1])}
	if entry.scope != ScopeRead && entry.scope != ScopeWrite {
		return token{}, fmt.Errorf("the scope is neither read nor write")
	}
	digest, ok := strings.CutPrefix(fields[2], "sha256:")
	sum, err := hex.DecodeString(digest)
	if !ok || err != nil || len(sum) != sha256.Size {
		return token{}, fmt.Errorf("the third word is not sha256: and 64 hexadecimal digits: make it with printf %%s TOKEN | sha256sum")
	}
	copy(entry.hash[:], sum)
	if len(fields) == 4 {
		if entry.expires, err = parseExpiry(fields[3]); err != nil {
			return token{}, err
		}
	}
	return entry, nil
}

func parseExpiry(word string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, word); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("the fourth word is no expiry: write 2027-12-31 or 2027-12-31T18:00:00Z")
}

// find returns the entry of a secret, expired or not. Every entry is compared, so that the time tells nothing.
func (t *Tokens) find(secret string) (token, bool) {
	hash := sha256.Sum256([]byte(secret))
	var found token
	ok := false
	for _, entry := range t.file.get() {
		if subtle.ConstantTimeCompare(hash[:], entry.hash[:]) == 1 {
			found, ok = entry, true
		}
	}
	return found, ok
}
