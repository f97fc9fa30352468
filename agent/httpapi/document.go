package httpapi

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const textType = "text/plain"

// completeDocument has the document say of answers what huma cannot know: that errors are our problems, that a PUT that
// creates says so, and what is served beside it.
func completeDocument(doc *huma.OpenAPI) {
	doc.AddOperation(&huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"director"},
		Summary: "What is happening now, in Prometheus' text format",
		Responses: map[string]*huma.Response{"200": {
			Description: "metrics", Content: map[string]*huma.MediaType{textType: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	})
	doc.AddOperation(&huma.Operation{
		OperationID: "openapi", Method: http.MethodGet, Path: openAPIPath + ".json", Tags: []string{"director"},
		Summary: "This document",
		Responses: map[string]*huma.Response{"200": {
			Description: "OpenAPI 3.1", Content: map[string]*huma.MediaType{"application/openapi+json": {Schema: &huma.Schema{Type: huma.TypeObject}}},
		}},
	})
	problems := map[string]*huma.MediaType{problemType: {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[spec.Problem](), true, "problem")}}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op == nil {
				continue
			}
			if op.Method == http.MethodPut {
				created := *op.Responses["200"]
				created.Description = "Created"
				op.Responses["201"] = &created
			}
			op.Responses["default"] = &huma.Response{Description: "what is wrong, where, and how to mend it (RFC 9457)"}
			for code, r := range op.Responses {
				if status, err := strconv.Atoi(code); r.Content == nil && (err != nil || status >= http.StatusBadRequest) {
					r.Content = problems
				}
			}
		}
	}
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own
		delete(doc.Components.Schemas.Map(), unused)
	}
}
