// Package apitest holds the answers of an agent's API to the document in which it describes itself.
package apitest

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is the document of an API (OpenAPI 3.1), whose schemas are JSON Schema.
type Document struct {
	// Paths are the routes, by path and, in small letters, method.
	Paths   map[string]map[string]Operation
	routes  *http.ServeMux // knows which path a request is for
	schemas *jsonschema.Compiler

	mu       sync.Mutex // of schemas, and of compiled
	compiled map[string]*jsonschema.Schema
}

// Operation is what may be answered to a request.
type Operation struct {
	Responses map[string]struct {
		Content map[string]any `json:"content"`
		Headers map[string]any `json:"headers"`
	} `json:"responses"`
}

// Read reads the document that a handler serves.
func Read(t testing.TB, h http.Handler) *Document {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/v1/openapi.json", nil)
	r.Host = "localhost"
	h.ServeHTTP(w, r)
	d, err := Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Parse reads the text of a document.
func Parse(text []byte) (*Document, error) {
	d := &Document{routes: http.NewServeMux(), schemas: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	var doc struct {
		Paths map[string]map[string]Operation `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	d.Paths = doc.Paths
	for path := range doc.Paths {
		d.routes.Handle(path, http.NotFoundHandler())
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return d, d.schemas.AddResource(documentURL, whole)
}

const documentURL = "agent:///openapi.json"

// Judge says how an answer is not what the document says of it; "" when it is.
func (d *Document) Judge(r *http.Request, status int, header http.Header, body []byte) string {
	if status == http.StatusTemporaryRedirect || status == http.StatusMovedPermanently {
		return "" // the router sends who asks for //v1 to /v1
	}
	_, path := d.routes.Handler(r)
	if path == "" {
		if status == http.StatusNotFound {
			return ""
		}
		return "the document has no such path"
	}
	method := strings.ToLower(r.Method)
	op, ok := d.Paths[path][method]
	if !ok {
		if status == http.StatusMethodNotAllowed || method == "head" || method == "options" {
			return ""
		}
		return fmt.Sprintf("the document has no %s %s, which was answered %d %s", r.Method, path, status, body)
	}
	code := strconv.Itoa(status)
	response, ok := op.Responses[code]
	if !ok {
		code = "default"
		if response, ok = op.Responses[code]; !ok || status < http.StatusBadRequest {
			return fmt.Sprintf("the document has no answer %d to %s %s", status, r.Method, path)
		}
	}
	if len(body) == 0 {
		return ""
	}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // "" is none of the document's
	if _, ok := response.Content[media]; !ok {
		return fmt.Sprintf("the document has no %q as the answer %d to %s %s", media, status, r.Method, path)
	}
	if !strings.HasSuffix(media, "json") {
		return ""
	}
	schema, err := d.schema("paths", path, method, "responses", code, "content", media, "schema")
	if err != nil {
		return err.Error()
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Sprintf("the answer %d to %s %s is not what the document says: %v: %s", status, r.Method, path, err, body)
	}
	return ""
}

// schema returns the one at a place in the document.
func (d *Document) schema(place ...string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, p := range place {
		place[i] = url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	at := documentURL + "#/" + strings.Join(place, "/")
	if s := d.compiled[at]; s != nil {
		return s, nil
	}
	s, err := d.schemas.Compile(at)
	d.compiled[at] = s
	return s, err
}

// Held serves what next serves, and has the test fail for an answer that the document does not describe.
func Held(t testing.TB, d *Document, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		if wrong := d.Judge(r, recorder.status, w.Header(), recorder.body.Bytes()); wrong != "" {
			t.Error(wrong)
		}
	})
}

// recorder remembers what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(data []byte) (int, error) {
	r.body.Write(data)
	return r.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
