package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// describe puts all that is not as it should be on a director into one line, "weight=9, want 1", or
// returns "" when nothing is.
func describe[Spec any](seen observation[Spec], want Spec) string {
	parts := difference(seen.spec, want)
	for _, d := range seen.kernel {
		parts = append(parts, fmt.Sprintf("%s=%s, want %s", d.Field, d.Actual, d.Want))
	}
	return strings.Join(parts, "; ")
}

// difference lists the fields in which two specs differ, in the order of their names.
func difference(actual, want any) []string {
	return differ("", tree(actual), tree(want))
}

func differ(at string, actual, want any) []string {
	a, aIsObject := actual.(map[string]any)
	w, wIsObject := want.(map[string]any)
	if !aIsObject && !wIsObject {
		if reflect.DeepEqual(actual, want) {
			return nil
		}
		return []string{fmt.Sprintf("%s=%s, want %s", at, text(actual), text(want))}
	}
	if at != "" {
		// One side has the object and the other has not: name the object, not each of its fields.
		if !aIsObject {
			return []string{fmt.Sprintf("%s=%s, want it set", at, text(actual))}
		}
		if !wIsObject {
			return []string{fmt.Sprintf("%s=set, want %s", at, text(want))}
		}
		at += "."
	}
	fields := maps.Clone(a)
	maps.Copy(fields, w)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, differ(at+name, a[name], w[name])...)
	}
	return parts
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = text(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// agree returns want with each field replaced on which all directors agree: that is what an attribute
// can say. A field on which they do not agree keeps its value, and is drift of those that differ.
func agree[Spec any](want Spec, actual map[string]Spec) Spec {
	merged := fields(want)
	names := slices.Sorted(maps.Keys(actual))
	if len(names) == 0 {
		return want
	}
	first := fields(actual[names[0]])
	all := maps.Clone(merged)
	maps.Copy(all, first)
	for field := range all {
		same := true
		for _, name := range names[1:] {
			same = same && bytes.Equal(fields(actual[name])[field], first[field])
		}
		value, set := first[field]
		switch {
		case same && set:
			merged[field] = value
		case same:
			delete(merged, field)
		}
	}
	data, err := json.Marshal(merged)
	if err == nil {
		var v Spec
		if err = spec.DecodeAnswer(bytes.NewReader(data), &v); err == nil {
			return v
		}
	}
	panic(fmt.Sprintf("provider: %T does not survive its own JSON: %v", want, err)) // it came from JSON
}

func fields(v any) map[string]json.RawMessage { return decoded[map[string]json.RawMessage](v) }

func tree(v any) any { return decoded[any](v) }

func decoded[T any](v any) T {
	data, err := spec.Encode(v)
	var out T
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber() // 1000000 is not to be read as 1e+06
		err = decoder.Decode(&out)
	}
	if err != nil {
		panic(fmt.Sprintf("provider: %T is not JSON: %v", v, err)) // a spec holds nothing that cannot be encoded
	}
	return out
}
