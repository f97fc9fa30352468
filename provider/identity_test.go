package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// identityType is that of a kind of resource.
func (r rpc) identityType(resource string) tftypes.Type {
	r.t.Helper()
	schemas, err := r.server.GetResourceIdentitySchemas(r.t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.well(schemas.Diagnostics)
	return schemas.IdentitySchemas[resource].ValueType()
}

// read is what Terraform does after an import, and at each refresh.
func (r rpc) read(resource string, state *tfprotov6.DynamicValue, identity *tfprotov6.ResourceIdentityData) *tfprotov6.ReadResourceResponse {
	r.t.Helper()
	read, err := r.server.ReadResource(r.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: resource, CurrentState: state, CurrentIdentity: identity})
	if err != nil {
		r.t.Fatal(err)
	}
	r.well(read.Diagnostics)
	return read
}

func TestObjectIsImportedByItsIdentity(t *testing.T) {
	t.Parallel()
	service := spec.DefaultVirtualServer()
	service.Address, service.Port, service.ForwardingMethod = addressOf("2001:db8::100"), 80, spec.NAT
	for name, test := range map[string]struct {
		kind     spec.Kind
		key      string
		value    any
		identity map[string]any
		want     map[string]string
	}{
		"lvs_vrrp_instance":     {spec.KindVRRPInstance, "web", objects()["vrrp instance"].updated, map[string]any{"name": "web"}, map[string]string{"name": "web"}},
		"lvs_virtual_server":    {spec.KindVirtualServer, "web", service, map[string]any{"name": "web"}, map[string]string{"name": "web"}},
		"lvs_check_script":      {spec.KindCheckScript, "web", objects()["check script"].updated, map[string]any{"name": "web"}, map[string]string{"name": "web"}},
		"lvs_ipvs_settings":     {spec.KindIPVSSettings, spec.IPVSSettingsKey, spec.IPVSSettings{}, map[string]any{"id": "default"}, map[string]string{"id": "default"}},
		"lvs_real_server_group": {spec.KindRealServerGroup, "web", groupOfOne(5), map[string]any{"virtual_server": "web"}, map[string]string{"virtual_server": "web"}},
		"lvs_real_server": {
			spec.KindRealServer, "web/[2001:db8::21]:80", realServerOf(5),
			map[string]any{"virtual_server": "web", "address": "2001:DB8::21", "port": 80},
			map[string]string{"virtual_server": "web", "address": "2001:db8::21", "port": "80"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			for _, d := range directors {
				if test.kind == spec.KindRealServer || test.kind == spec.KindRealServerGroup {
					d.change(spec.KindVirtualServer, "web", service)
				}
				d.change(test.kind, test.key, test.value)
			}
			r := newRPC(t, directors)
			of := r.identityType(name)
			imported, err := r.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
				TypeName: name, Identity: &tfprotov6.ResourceIdentityData{IdentityData: r.value(of, test.identity)},
			})
			if err != nil {
				t.Fatal(err)
			}
			r.well(imported.Diagnostics)
			state, identity := imported.ImportedResources[0].State, imported.ImportedResources[0].Identity
			for range 2 { // the second one is a refresh
				read := r.read(name, state, identity)
				state, identity = read.NewState, read.NewIdentity
				if diff := cmp.Diff(test.want, r.attributes(of, identity.IdentityData)); diff != "" {
					t.Errorf("identity (-want +got):\n%s", diff)
				}
				attributes := r.attributes(r.schema.ResourceSchemas[name].ValueType(), state)
				for attribute, want := range test.want {
					if test.kind == spec.KindIPVSSettings {
						continue // it has no attribute for what is always the same
					}
					if got := attributes[attribute]; got != want && attribute != "address" { // its text is the user's
						t.Errorf("%s is %q, want %q", attribute, got, want)
					}
				}
			}

			// A state from before there were identities has none, and an object that is gone still has one.
			for _, d := range directors {
				d.change(test.kind, test.key, nil)
			}
			gone := newRPC(t, directors).read(name, state, nil)
			if diff := cmp.Diff(test.want, r.attributes(of, gone.NewIdentity.IdentityData)); diff != "" {
				t.Errorf("identity of what is gone (-want +got):\n%s", diff)
			}
			if v, err := gone.NewState.Unmarshal(r.schema.ResourceSchemas[name].ValueType()); err != nil || !v.IsNull() {
				t.Errorf("it is still in the state: %v, %v", v, err)
			}
		})
	}
}
