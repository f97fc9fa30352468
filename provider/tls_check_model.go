package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var tlsCheckType = typeOf(func() schema.Attribute { return tlsCheckAttribute("") })

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
			"client_cert_pem": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Certificate that the agent shows a server that asks for one, with the chain up to its authority, in PEM. Left out, it shows none. " +
					"It needs `client_key_pem_wo`.",
			},
			"client_key_pem_wo":         secretAttribute("Key of the client certificate, in PEM.", "client_key_pem_wo_version"),
			"client_key_pem_wo_version": secretVersionAttribute("client_key_pem_wo"),
		},
	}
}

// tlsCheck reads the attribute, and its secret from the configuration's; nil when it is left out. One that is not known
// yet counts as one that is there.
func tlsCheck(o, config types.Object) *spec.TLSCheck {
	if o.IsNull() {
		return nil
	}
	v := spec.DefaultTLSCheck()
	v.ServerName = attribute[types.String](o, "server_name").ValueString()
	v.CACertPEM = attribute[types.String](o, "ca_cert_pem").ValueString()
	v.MinimumVersion = word(attribute[types.String](o, "minimum_version"), v.MinimumVersion)
	v.Verify = flag(attribute[types.Bool](o, "verify"), v.Verify)
	v.MinValidity = duration(attribute[timetypes.GoDuration](o, "min_validity"), v.MinValidity, v.MinValidity)
	v.ClientCertPEM = attribute[types.String](o, "client_cert_pem").ValueString()
	v.ClientKeyPEM = word[spec.Secret](attribute[types.String](config, "client_key_pem_wo"), "")
	v.ClientKeyPEMVersion = number(attribute[types.Int64](o, "client_key_pem_wo_version"), 0)
	return &v
}

func tlsCheckValue(v *spec.TLSCheck, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(tlsCheckType().AttrTypes)
	}
	return types.ObjectValueMust(tlsCheckType().AttrTypes, map[string]attr.Value{
		"server_name": wordAsBefore(v.ServerName, before, "server_name"), "ca_cert_pem": wordAsBefore(v.CACertPEM, before, "ca_cert_pem"),
		"minimum_version": types.StringValue(string(v.MinimumVersion)), "verify": types.BoolValue(v.Verify),
		"min_validity":    durationValue(v.MinValidity),
		"client_cert_pem": wordAsBefore(v.ClientCertPEM, before, "client_cert_pem"), "client_key_pem_wo": types.StringNull(),
		"client_key_pem_wo_version": unlessZero(v.ClientKeyPEMVersion, attribute[types.Int64](before, "client_key_pem_wo_version")),
	})
}
