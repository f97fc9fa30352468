package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// query lists resources of a type and returns their names, the attributes of each, and what was complained of.
func (r rpc) query(name string, limit int64) (names []string, attributes []map[string]string, complaints string) {
	r.t.Helper()
	server, ok := r.server.(tfprotov6.ListResourceServer)
	if !ok {
		r.t.Fatal("the provider lists nothing")
	}
	stream, err := server.ListResource(r.t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: name, Config: r.value(r.schema.ListResourceSchemas[name].ValueType(), map[string]any{}), IncludeResource: true, Limit: limit,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for result := range stream.Results {
		for _, d := range result.Diagnostics {
			complaints += d.Summary + ": " + d.Detail
		}
		if result.Resource != nil {
			names = append(names, result.DisplayName)
			attributes = append(attributes, r.attributes(r.schema.ResourceSchemas[name].ValueType(), result.Resource))
		}
	}
	return names, attributes, complaints
}

func TestObjectsOfAllDirectorsAreListed(t *testing.T) {
	t.Parallel()
	for name, o := range objects() {
		if o.kind == spec.KindIPVSSettings {
			continue // a director has one, which is always there to be imported
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			other := strings.NewReplacer("web/192.0.2.21", "web/192.0.2.22").Replace(o.key)
			if other == o.key {
				other += "2"
			}
			for _, d := range directors {
				for _, c := range o.needs {
					d.change(c.Kind, c.Key, c.Value)
				}
				d.change(o.kind, o.key, o.updated)
			}
			directors["d2"].change(o.kind, other, o.changed)
			resource := strings.Split(o.address, ".")[0]
			names, attributes, complaints := newRPC(t, directors).query(resource, 0)
			if diff := cmp.Diff([]string{o.key, other}, names); diff != "" || complaints != "" {
				t.Fatalf("%s (-want +got):\n%s", complaints, diff)
			}
			for i, want := range []string{text(decoded[any](fields(o.updated)[o.attribute])), text(decoded[any](fields(o.changed)[o.attribute]))} {
				if got := attributes[i][o.attribute]; got != want {
					t.Errorf("%s of %s is %q, want %q", o.attribute, names[i], got, want)
				}
			}
			if names, _, _ = newRPC(t, directors).query(resource, 1); len(names) != 1 {
				t.Errorf("with a limit of one: %q", names)
			}
			directors["d2"].setFault(down)
			if _, _, complaints = newRPC(t, directors).query(resource, 0); !strings.Contains(complaints, "On d2: no answer") {
				t.Errorf("with a director down it said %q", complaints)
			}
		})
	}
}

func TestNothingIsListedWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{"lvs_vrrp_instance", "lvs_virtual_server", "lvs_real_server", "lvs_check_script"} {
		if names, _, complaints := newRPC(t, newDirectors(t, "d1")).query(resource, 0); len(names) != 0 || complaints != "" {
			t.Errorf("%s: %q, %s", resource, names, complaints)
		}
	}
}
