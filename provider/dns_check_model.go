package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var dnsCheckType = typeOf(dnsCheckAttribute)

func dnsCheckAttribute() schema.Attribute {
	d := spec.DefaultDNSCheck()
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A DNS question is answered with the expected code, and records if some are expected.",
		Attributes: map[string]schema.Attribute{
			"address":        probeAddressAttribute(),
			"port":           probePortAttribute(),
			"protocol":       wordAttribute(string(d.Protocol), "Transport protocol of the question: `udp`, `tcp`."),
			"name":           schema.StringAttribute{Required: true, MarkdownDescription: "Domain name that is asked for, such as `www.example.com`. It is taken as it is: no search list is applied."},
			"type":           wordAttribute(d.Type, "Type of the records that are asked for: "+words(spec.DNSTypes())+"."),
			"expected_rcode": wordAttribute(d.ExpectedRcode, "Response code that passes: "+words(spec.DNSRcodes())+"."),
			"expected_answers": schema.ListAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "Data of records that must be among the answers, as in a zone file, such as `192.0.2.1` or `10 mail.example.com`, at most 32. " +
					"There may be more. Left out, the code is enough, even with no record at all.",
			},
		},
	}
}

func dnsCheck(o types.Object) *spec.DNSCheck {
	v := spec.DefaultDNSCheck()
	v.Address = address(attribute[iptypes.IPAddress](o, "address"))
	v.Port = portOrNone(attribute[types.Int64](o, "port"))
	v.Protocol = word(attribute[types.String](o, "protocol"), v.Protocol)
	v.Name = attribute[types.String](o, "name").ValueString()
	v.Type = word(attribute[types.String](o, "type"), v.Type)
	v.ExpectedRcode = word(attribute[types.String](o, "expected_rcode"), v.ExpectedRcode)
	v.ExpectedAnswers = textList(attribute[types.List](o, "expected_answers"))
	return &v
}

func dnsCheckValue(v spec.DNSCheck, before types.Object) types.Object {
	return types.ObjectValueMust(dnsCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port), "protocol": types.StringValue(string(v.Protocol)),
		"name": types.StringValue(v.Name), "type": types.StringValue(v.Type),
		"expected_rcode":   types.StringValue(v.ExpectedRcode),
		"expected_answers": textListAsBefore(v.ExpectedAnswers, attribute[types.List](before, "expected_answers")),
	})
}
