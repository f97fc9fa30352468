package spec

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Secret is text that is taken and never given back. Whatever prints, logs or encodes one shows nothing
// of it; EncodeWithSecrets alone tells it, to the disk and to a director.
type Secret string

// MarshalText returns nothing, so that an answer that has room for the secret leaves it out.
func (Secret) MarshalText() ([]byte, error) { return nil, nil }

// Format prints that there is a secret.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = io.WriteString(f, "(secret)") // fmt has no way to hear of it
	}
}

// EncodeWithSecrets is Encode, secrets included.
func EncodeWithSecrets(v any) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true), json.WithMarshalers(json.MarshalToFunc(
		func(e *jsontext.Encoder, s Secret) error { return e.WriteToken(jsontext.String(string(s))) })))
}

// Equal reports whether two specs ask for the same, secrets included.
func Equal(a, b any) bool {
	left, err := EncodeWithSecrets(a)
	if err != nil {
		return false
	}
	right, err := EncodeWithSecrets(b)
	return err == nil && string(left) == string(right)
}
