package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads a request into v, strictly: unknown fields, names in another case, a name given twice,
// invalid UTF-8, and anything behind the value are refused with a FieldErrors that points at the place.
// What the request leaves out has its default.
func Decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || len(strings.TrimSpace(string(data))) == 0 {
		return FieldErrors{{Detail: "the body is empty: send a JSON object"}}
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return FieldErrors{{Pointer: string(semantic.JSONPointer), Detail: explain(semantic)}}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		detail := fmt.Sprintf("not valid JSON at byte %d: %v", syntactic.ByteOffset, syntactic.Err)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			detail = "the field is given twice: remove one"
		}
		return FieldErrors{{Pointer: string(syntactic.JSONPointer), Detail: detail}}
	}
	return FieldErrors{{Detail: err.Error()}}
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

// explain puts a decoding error into words for a person who does not know Go.
func explain(e *json.SemanticError) string {
	if errors.Is(e.Err, json.ErrUnknownName) {
		return "unknown field: remove it, or look for a misspelling"
	}
	if e.Err != nil && !strings.HasPrefix(e.Err.Error(), "strconv") {
		var detail FieldErrors
		if errors.As(e.Err, &detail) {
			return detail.Error()
		}
		switch text := e.Err.Error(); {
		case strings.Contains(text, "ParseAddr"):
			return "not an IP address: write 192.0.2.21 or 2001:db8::1"
		case strings.Contains(text, "ParsePrefix"):
			return "not an address with a prefix length: write 192.0.2.100/24"
		default:
			return text
		}
	}
	want := "another type"
	if e.GoType != nil {
		switch e.GoType.Kind() {
		case reflect.Int, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			want = "a whole number"
		case reflect.Slice, reflect.Array:
			want = "a list"
		case reflect.Struct, reflect.Map:
			want = "an object"
			if _, text := reflect.New(e.GoType).Interface().(interface{ UnmarshalText([]byte) error }); text {
				want = "a string"
			}
		case reflect.String, reflect.Int64:
			want = "a string"
		case reflect.Bool:
			want = "true or false"
		}
	}
	return fmt.Sprintf("%s is not right here: give %s", kindOf(e.JSONKind), want)
}

func kindOf(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 'f', 't':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "this number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "this value"
}
