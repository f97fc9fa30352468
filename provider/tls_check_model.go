package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func tlsCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"server_name": types.StringType, "ca_cert_pem": types.StringType, "minimum_version": types.StringType,
		"verify": types.BoolType, "min_validity": timetypes.GoDurationType{},
	}}
}

func tlsCheckAttribute(description string) schema.Attribute {
	d := spec.DefaultTLSCheck()
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{
			"server_name": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name that is asked for (SNI) and that the certificate must be for. Left out, it is `host` without its port, or else " +
					"the address that is sent to.",
			},
			"ca_cert_pem": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Certificates of the authorities that may have signed the server's, in PEM. Left out, they are those of the director's " +
					"system.",
			},
			"minimum_version": wordAttribute(string(d.MinimumVersion), "Least version of TLS that passes: "+words(spec.TLSVersions())+"."),
			"verify":          flagAttribute(d.Verify, "Whether the certificate must be signed by a known authority, be for the name and be valid today."),
			"min_validity":    durationAttribute(d.MinValidity, "A certificate that expires sooner fails: `0s` to `8760h`."),
		},
	}
}

// tlsCheck reads the attribute; nil when it is left out. One that is not known yet counts as one that is there.
func tlsCheck(o types.Object) *spec.TLSCheck {
	if o.IsNull() {
		return nil
	}
	v := spec.DefaultTLSCheck()
	v.ServerName = attribute[types.String](o, "server_name").ValueString()
	v.CACertPEM = attribute[types.String](o, "ca_cert_pem").ValueString()
	v.MinimumVersion = word(attribute[types.String](o, "minimum_version"), v.MinimumVersion)
	v.Verify = flag(attribute[types.Bool](o, "verify"), v.Verify)
	v.MinValidity = duration(attribute[timetypes.GoDuration](o, "min_validity"), v.MinValidity, v.MinValidity)
	return &v
}

func tlsCheckValue(v *spec.TLSCheck, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(tlsCheckType().AttrTypes)
	}
	return types.ObjectValueMust(tlsCheckType().AttrTypes, map[string]attr.Value{
		"server_name": wordAsBefore(v.ServerName, before, "server_name"), "ca_cert_pem": wordAsBefore(v.CACertPEM, before, "ca_cert_pem"),
		"minimum_version": types.StringValue(string(v.MinimumVersion)), "verify": types.BoolValue(v.Verify),
		"min_validity": durationValue(v.MinValidity),
	})
}
