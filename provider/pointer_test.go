package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
)

func TestPointerLeadsToItsAttribute(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"":                                       "",
		"/address":                               "address",
		"/health_check/http/path":                "health_check.http.path",
		"/health_check/http/expected_status/1":   "health_check.http.expected_status[1]",
		"/health_check/http/expected_status/one": "health_check.http.expected_status",
		"/health_check/other/service":            "health_check",
		"/directors/d1":                          "directors",
		"/newer":                                 "",
		"/director_status/d1/state":              `director_status["d1"].state`,
		"/director_status/a~1b~0c":               `director_status["a/b~c"]`,
	} {
		var resp resource.SchemaResponse
		newVirtualServerResource().Schema(t.Context(), resource.SchemaRequest{}, &resp)
		if got := attributePath(resp.Schema.Type(), pointer).String(); got != want {
			t.Errorf("%q leads to %q, want %q", pointer, got, want)
		}
	}
}
