package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads a request into v, strictly: unknown fields, names in another case, a name given twice,
// null, invalid UTF-8, and anything behind the value are refused with a FieldErrors that points at the
// place. What the request leaves out has its default.
func Decode(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return FieldErrors{{Detail: "the body is empty: send a JSON object"}}
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return FieldErrors{explain(err)}
	}
	switch pointer, found := firstNull(data); {
	case found && pointer == "":
		return FieldErrors{{Detail: "the body is null: send a JSON object"}}
	case found:
		return FieldErrors{{Pointer: string(pointer), Detail: "null is no value: leave it out"}}
	}
	return nil
}

// firstNull finds a null in valid JSON. The decoder would take it for the zero value, which is seldom
// the default: a weight of null would take a server out.
func firstNull(data []byte) (jsontext.Pointer, bool) {
	if !bytes.Contains(data, []byte("null")) {
		return "", false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.ReadToken()
		switch {
		case err != nil: // the end
			return "", false
		case token.Kind() == 'n':
			return dec.StackPointer(), true
		}
	}
}

// DecodeAnswer reads what a director answered. Unlike Decode it passes over fields it does not know,
// so that a provider understands an agent that is newer than itself.
func DecodeAnswer(r io.Reader, v any) error { return json.UnmarshalRead(r, v) }

// Encode returns the canonical JSON of v: fields in their order, maps sorted, no white space.
func Encode(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }

// ETag returns the strong entity tag of a spec, quotes included: a hash of its canonical JSON.
func ETag(v any) string {
	data, err := Encode(v)
	if err != nil {
		panic(fmt.Sprintf("spec: %T does not encode: %v", v, err)) // a spec holds nothing that cannot be encoded
	}
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
