package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var smtpCheckType = typeOf(smtpCheckAttribute)

func smtpCheckAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A mail server greets with 220 and answers `EHLO`, and `STARTTLS` if it is to. No mail is sent.",
		Attributes: map[string]schema.Attribute{
			"address":  probeAddressAttribute(),
			"port":     probePortAttribute(),
			"hello":    wordAttribute(spec.DefaultSMTPCheck().Hello, "Name with which the agent introduces itself in `EHLO`."),
			"starttls": tlsCheckAttribute("TLS is begun after `EHLO`, as on the ports 25 and 587; `starttls = {}` verifies the server's certificate. Left out, it is not."),
			"tls":      tlsCheckAttribute("The connection begins with TLS, as on port 465. Left out, it does not."),
		},
	}
}

// smtpCheck reads the attribute, and its secrets from the configuration's.
func smtpCheck(o, config types.Object) *spec.SMTPCheck {
	v := spec.DefaultSMTPCheck()
	v.Address = address(attribute[iptypes.IPAddress](o, "address"))
	v.Port = portOrNone(attribute[types.Int64](o, "port"))
	v.Hello = word(attribute[types.String](o, "hello"), v.Hello)
	v.STARTTLS = tlsCheck(attribute[types.Object](o, "starttls"), attribute[types.Object](config, "starttls"))
	v.TLS = tlsCheck(attribute[types.Object](o, "tls"), attribute[types.Object](config, "tls"))
	return &v
}

func smtpCheckValue(v spec.SMTPCheck, before types.Object) types.Object {
	return types.ObjectValueMust(smtpCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port), "hello": types.StringValue(v.Hello),
		"starttls": tlsCheckValue(v.STARTTLS, attribute[types.Object](before, "starttls")),
		"tls":      tlsCheckValue(v.TLS, attribute[types.Object](before, "tls")),
	})
}
