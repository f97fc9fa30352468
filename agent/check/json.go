package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// hasJSON reports a value that an answer does not have where it is expected, by JSON pointers (RFC 6901). A string is
// compared as text, anything else as it stands in the answer.
func hasJSON(expected map[string]string, answer []byte) error {
	if len(expected) == 0 {
		return nil
	}
	found, err := jsonValues(expected, answer)
	if err != nil {
		return err
	}
	for _, at := range slices.Sorted(maps.Keys(expected)) {
		switch got, ok := found[at]; {
		case !ok:
			return fmt.Errorf("the answer has nothing at %q, want %q", clean(at), clean(expected[at]))
		case got != expected[at]:
			return fmt.Errorf("the answer has %q at %q, want %q", clean(got), clean(at), clean(expected[at]))
		}
	}
	return nil
}

// jsonValues returns the values of an answer at the places where some are expected.
func jsonValues(expected map[string]string, answer []byte) (map[string]string, error) {
	found := map[string]string{}
	decoder := jsontext.NewDecoder(bytes.NewReader(answer), jsontext.AllowDuplicateNames(true))
	for {
		token, err := decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("the answer is not JSON: %s", clean(strings.TrimPrefix(err.Error(), "jsontext: ")))
		}
		if isName(decoder) {
			continue
		}
		at := string(decoder.StackPointer())
		if _, ok := expected[at]; !ok {
			continue
		}
		switch token.Kind() {
		case '{':
			found[at] = "an object"
		case '[':
			found[at] = "a list"
		case '}', ']':
		default:
			found[at] = token.String()
		}
	}
}

// isName reports whether what was read last is the name of a value that comes.
func isName(decoder *jsontext.Decoder) bool {
	kind, length := decoder.StackIndex(decoder.StackDepth())
	return kind == '{' && length%2 == 1
}
