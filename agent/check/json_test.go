package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONValues(t *testing.T) {
	t.Parallel()
	const answer = `{"status":"up","ready":true,"load":0.50,"nothing":null,"a/b":{"~":"tilde","":"empty"},"list":[{"name":"db"},["x"]]}`
	for name, tt := range map[string]struct {
		answer, at, value, want string
	}{
		"text":                    {answer, "/status", "up", "passed"},
		"another text":            {answer, "/status", "down", `the answer has "up" at "/status", want "down"`},
		"truth":                   {answer, "/ready", "true", "passed"},
		"a number":                {answer, "/load", "0.50", "passed"},
		"a number in other words": {answer, "/load", "0.5", `the answer has "0.50" at "/load", want "0.5"`},
		"null":                    {answer, "/nothing", "null", "passed"},
		"names with / and ~":      {answer, "/a~1b/~0", "tilde", "passed"},
		"an empty name":           {answer, "/a~1b/", "empty", "passed"},
		"in a list":               {answer, "/list/0/name", "db", "passed"},
		"in a list in a list":     {answer, "/list/1/0", "x", "passed"},
		"beyond a list":           {answer, "/list/2", "x", `the answer has nothing at "/list/2", want "x"`},
		"nowhere":                 {answer, "/state", "up", `the answer has nothing at "/state", want "up"`},
		"the name of a value":     {answer, "/list/0", "name", `the answer has "an object" at "/list/0", want "name"`},
		"a list":                  {answer, "/list", "db", `the answer has "a list" at "/list", want "db"`},
		"the whole":               {`"up"`, "", "up", "passed"},
		"the last of two":         {`{"a":1,"a":2}`, "/a", "2", "passed"},
		"nothing at all":          {"", "/a", "1", `the answer has nothing at "/a", want "1"`},
		"no JSON":                 {"<html>", "/a", "1", "the answer is not JSON: invalid character '<' at start of value"},
		"half of it":              {`{"a":1`, "/a", "1", "the answer is not JSON: unexpected EOF after offset 6"},
		"too deep":                {strings.Repeat("[", 20_000), "/a", "1", "the answer is not JSON: exceeded max depth"},
		"not UTF-8":               {"{\"a\":\"\xff\"}", "/a", "1", "the answer is not JSON: invalid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := text(hasJSON(map[string]string{tt.at: tt.value}, []byte(tt.answer)))
			if strings.HasPrefix(got, "the answer is not JSON") {
				got = got[:min(len(got), len(tt.want))] // the rest says where, at length
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}
