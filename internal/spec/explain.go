package spec

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// explain puts an error of the decoder into words for a person who does not know Go, and says where.
func explain(err error) FieldError {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return FieldError{Pointer: string(semantic.JSONPointer), Detail: explainValue(semantic)}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return FieldError{Pointer: string(syntactic.JSONPointer), Detail: explainSyntax(syntactic)}
	}
	return FieldError{Detail: err.Error()}
}

func explainSyntax(e *jsontext.SyntacticError) string {
	switch {
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		return "the field is given twice: remove one"
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("not valid JSON: the body ends at byte %d, in the middle", e.ByteOffset)
	}
	return fmt.Sprintf("not valid JSON at byte %d: %v", e.ByteOffset, e.Err)
}

func explainValue(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "unknown field: " + known(e.GoType, e.JSONPointer.LastToken())
	case e.Err == nil, errors.Is(e.Err, strconv.ErrSyntax), e.JSONKind != '"' && readsText(e.GoType):
		return fmt.Sprintf("%s is not right here: give %s", kindOf(e.JSONKind), wanted(e.GoType))
	case errors.Is(e.Err, strconv.ErrRange):
		return fmt.Sprintf("this number is out of range: give %s", wanted(e.GoType))
	}
	switch e.GoType {
	case reflect.TypeFor[netip.Addr]():
		return "not an IP address: write 192.0.2.100 or 2001:db8::100"
	case reflect.TypeFor[netip.Prefix]():
		return "not an address with a prefix length: write 192.0.2.100/24"
	}
	return e.Err.Error() // of our own UnmarshalText
}

// known says which fields an object has, or which of them was meant.
func known(object reflect.Type, name string) string {
	var names []string
	for _, f := range reflect.VisibleFields(object) {
		if f.Anonymous {
			continue // its fields are the object's
		}
		field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if strings.EqualFold(squeeze(field), squeeze(name)) {
			return fmt.Sprintf("write %s", field)
		}
		names = append(names, field)
	}
	return "the object has " + strings.Join(names, ", ")
}

// squeeze leaves out what separates words in names.
func squeeze(name string) string { return strings.NewReplacer("_", "", "-", "").Replace(name) }

// readsText reports whether a type is read from a JSON string by a method of its own.
func readsText(t reflect.Type) bool {
	return t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// wanted names the JSON that a type is read from.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return `a string such as "2s"`
	case reflect.TypeFor[StatusRange]():
		return `a string such as "200-299"`
	case reflect.TypeFor[netip.Addr]():
		return `a string such as "192.0.2.100"`
	case reflect.TypeFor[netip.Prefix]():
		return `a string such as "192.0.2.100/24"`
	case nil:
		return "another type"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "another type"
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
