package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// query lists resources of a type and returns their names, the attributes of each, and what was complained of.
func (r rpc) query(name string, limit int64) (names []string, attributes []any, complaints string) {
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
			attributes = append(attributes, r.tree(r.schema.ResourceSchemas[name].ValueType(), result.Resource))
		}
	}
	return names, attributes, complaints
}

func TestObjectsOfAllDirectorsAreListed(t *testing.T) {
	t.Parallel()
	for name, o := range objects() {
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
			keys, values := []string{o.key, other}, []any{o.updated, o.changed}
			switch o.kind {
			case spec.KindIPVSSettings: // a director has one
				keys, values = keys[:1], values[:1]
			case spec.KindRealServerGroup:
				service := o.needs[0].Value.(spec.VirtualServer)
				service.Port = 81
				directors["d2"].change(spec.KindVirtualServer, other, service)
				fallthrough
			default:
				directors["d2"].change(o.kind, other, o.changed)
			}
			resource := strings.Split(o.address, ".")[0]
			names, attributes, complaints := newRPC(t, directors).query(resource, 0)
			if diff := cmp.Diff(keys, names); diff != "" || complaints != "" {
				t.Fatalf("%s (-want +got):\n%s", complaints, diff)
			}
			for i, v := range values {
				if want, got := text(inside(tree(v), o.attribute)), text(inside(attributes[i], o.attribute)); got != want {
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

func TestServersOfAGroupAreListedWithTheirGroupAlone(t *testing.T) {
	t.Parallel()
	o := objects()["real server group"]
	directors := newDirectors(t, "d1")
	directors["d1"].change(spec.KindVirtualServer, "web", o.needs[0].Value)
	directors["d1"].change(o.kind, o.key, o.updated)
	if names, _, _ := newRPC(t, directors).query("lvs_real_server", 0); len(names) != 0 {
		t.Errorf("listed by themselves: %q", names)
	}
}

func TestNothingIsListedWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{"lvs_vrrp_instance", "lvs_virtual_server", "lvs_real_server", "lvs_real_server_group", "lvs_check_script", "lvs_ipvs_settings"} {
		if names, _, complaints := newRPC(t, newDirectors(t, "d1")).query(resource, 0); len(names) != 0 || complaints != "" {
			t.Errorf("%s: %q, %s", resource, names, complaints)
		}
	}
}
