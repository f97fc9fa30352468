package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func httpCheckType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"address": iptypes.IPAddressType{}, "port": types.Int64Type,
		"method": types.StringType, "path": types.StringType, "host": types.StringType,
		"headers": types.MapType{ElemType: types.StringType}, "body": types.StringType,
		"expected_status": types.ListType{ElemType: types.StringType},
		"expected_body":   types.StringType, "expected_match": types.StringType,
		"tls": tlsCheckType(),
	}}
}

func httpCheckAttribute() schema.Attribute {
	d := spec.DefaultHTTPCheck()
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "A request over HTTP/1.1 is answered as expected: the status, and what is expected of the body, which may have 1 MiB. " +
			"Redirects are not followed.",
		Attributes: map[string]schema.Attribute{
			"address": probeAddressAttribute(),
			"port":    probePortAttribute(),
			"method":  wordAttribute(d.Method, "Method of the request: "+words(spec.HTTPMethods())+"."),
			"path":    wordAttribute(d.Path, "Path and query of the request."),
			"host": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`Host` header, with a port if it is to have one. Left out, it is the address and port that is sent to.",
			},
			"headers": schema.MapAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "More headers of the request. They stand in the plan, in the state and in the directors' answers, so they are no place " +
					"for a secret.",
			},
			"body": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Body of the request, at most 64 KiB, with `POST` and `PUT`.",
			},
			"expected_status": schema.ListAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             listdefault.StaticValue(statusRanges(d.ExpectedStatus)),
				PlanModifiers:       []planmodifier.List{keepEqualStatus()},
				MarkdownDescription: "Status codes and ranges of them that pass, such as `204` or `200-299`, from 100 to 599. The default is `[\"200-299\"]`.",
			},
			"expected_body": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Text that the answer's body holds, at most 4 KiB.",
			},
			"expected_match": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Regular expression ([RE2](https://github.com/google/re2/wiki/Syntax)) that the answer's body matches somewhere, at most 512 bytes.",
			},
			"tls": tlsCheckAttribute("The request goes over TLS; `tls = {}` verifies the server's certificate. Left out, it goes in clear."),
		},
	}
}

// probeAddressAttribute is where a probe goes that does not go to the server's own address.
func probeAddressAttribute() schema.Attribute {
	return schema.StringAttribute{
		CustomType:          iptypes.IPAddressType{},
		Optional:            true,
		PlanModifiers:       []planmodifier.String{keepEqualAddress()},
		MarkdownDescription: "IP address to send to. Left out, it is the server's own.",
	}
}

// probePortAttribute is the port of a probe that does not go to the server's own.
func probePortAttribute() schema.Attribute {
	return schema.Int64Attribute{
		Optional:            true,
		MarkdownDescription: "Port to send to, 1 to 65535. Left out, it is the server's own.",
	}
}

// statusRange reads "204" or "200-299".
func statusRange(text string) (spec.StatusRange, error) {
	var r spec.StatusRange
	err := r.UnmarshalText([]byte(text))
	return r, err
}

func statusRanges(all []spec.StatusRange) types.List {
	ranges := make([]attr.Value, len(all))
	for i, r := range all {
		ranges[i] = types.StringValue(r.String())
	}
	return types.ListValueMust(types.StringType, ranges)
}

func httpCheck(o types.Object) *spec.HTTPCheck {
	v := spec.DefaultHTTPCheck()
	v.Address = address(attribute[iptypes.IPAddress](o, "address"))
	v.Port = portOrNone(attribute[types.Int64](o, "port"))
	v.Method = word(attribute[types.String](o, "method"), v.Method)
	v.Path = word(attribute[types.String](o, "path"), v.Path)
	v.Host = attribute[types.String](o, "host").ValueString()
	for name, value := range attribute[types.Map](o, "headers").Elements() {
		if v.Headers == nil {
			v.Headers = map[string]string{}
		}
		v.Headers[name] = textOf(value)
	}
	v.Body = attribute[types.String](o, "body").ValueString()
	if expected := attribute[types.List](o, "expected_status"); !expected.IsNull() && !expected.IsUnknown() {
		v.ExpectedStatus = nil
		for _, element := range expected.Elements() {
			r, err := statusRange(textOf(element))
			if err != nil {
				r = spec.StatusRange{} // no range: validation says so at this element
			}
			v.ExpectedStatus = append(v.ExpectedStatus, r)
		}
	}
	v.ExpectedBody = attribute[types.String](o, "expected_body").ValueString()
	v.ExpectedMatch = attribute[types.String](o, "expected_match").ValueString()
	v.TLS = tlsCheck(attribute[types.Object](o, "tls"))
	return &v
}

func httpCheckValue(v spec.HTTPCheck, before types.Object) types.Object {
	expected := statusRanges(v.ExpectedStatus)
	if had := attribute[types.List](before, "expected_status"); keepEqualStatus().equalLists(had, expected) {
		expected = had
	}
	headers := types.MapNull(types.StringType)
	if had := attribute[types.Map](before, "headers"); len(v.Headers) > 0 || !had.IsNull() {
		values := make(map[string]attr.Value, len(v.Headers))
		for name, value := range v.Headers {
			values[name] = types.StringValue(value)
		}
		headers = types.MapValueMust(types.StringType, values)
	}
	return types.ObjectValueMust(httpCheckType().AttrTypes, map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port),
		"method": types.StringValue(v.Method), "path": types.StringValue(v.Path),
		"host": wordAsBefore(v.Host, before, "host"), "headers": headers, "body": wordAsBefore(v.Body, before, "body"),
		"expected_status": expected,
		"expected_body":   wordAsBefore(v.ExpectedBody, before, "expected_body"),
		"expected_match":  wordAsBefore(v.ExpectedMatch, before, "expected_match"),
		"tls":             tlsCheckValue(v.TLS, attribute[types.Object](before, "tls")),
	})
}

// wordAsBefore returns a word; an empty one is null, unless it was written as "".
func wordAsBefore(v string, before types.Object, name string) types.String {
	if had := attribute[types.String](before, name); v == "" && !had.IsNull() && !had.IsUnknown() && had.ValueString() == "" {
		return had
	}
	return optionalWord(v)
}

func portOrNone(v types.Int64) *int {
	if v.IsNull() || v.IsUnknown() {
		return nil
	}
	port := int(v.ValueInt64())
	return &port
}

func portOrNull(port *int) types.Int64 {
	if port == nil {
		return types.Int64Null()
	}
	return types.Int64Value(int64(*port))
}
