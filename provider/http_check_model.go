package provider

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var httpCheckType = typeOf(httpCheckAttribute)

var httpRequestType = typeWith(httpRequestAttributes)

var basicAuthType = typeOf(basicAuthAttribute)

func httpCheckAttribute() schema.Attribute {
	d := spec.DefaultHTTPCheck()
	all := map[string]schema.Attribute{
		"address":    probeAddressAttribute(),
		"port":       probePortAttribute(),
		"version":    wordAttribute(string(d.Version), "Version of HTTP: "+words(spec.HTTPVersions())+". `2` in clear is spoken without asking whether the server knows it."),
		"tls":        tlsCheckAttribute("The requests go over TLS; `tls = {}` verifies the server's certificate. Left out, they go in clear."),
		"basic_auth": basicAuthAttribute(),
		"follow_redirects": flagAttribute(false, "Whether redirects are followed, at most 10 in a row and always on the server that is checked, whatever host they name. One to "+
			"another scheme fails. Otherwise a redirect is the answer."),
		"additional_requests": schema.ListNestedAttribute{
			Optional: true,
			MarkdownDescription: "Requests that follow the first, one after the other within `timeout`, each over a connection of its own, at most 16. All must pass, " +
				"each round.",
			NestedObject: schema.NestedAttributeObject{Attributes: httpRequestAttributes()},
		},
	}
	maps.Copy(all, httpRequestAttributes())
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "A request over HTTP is answered as expected: the status, and what is expected of the body, which may have 1 MiB. " +
			"`http = {}` asks for `/`.",
		Attributes: all,
	}
}

func basicAuthAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The requests say who asks (basic authentication): readable by everybody on the way, unless there is `tls`.",
		Attributes: map[string]schema.Attribute{
			"username":            schema.StringAttribute{Required: true, MarkdownDescription: "Name of the user."},
			"password_wo":         secretAttribute("Password of the user, which is needed.", "password_wo_version"),
			"password_wo_version": secretVersionAttribute("password_wo"),
		},
	}
}

func httpRequestAttributes() map[string]schema.Attribute {
	d := spec.DefaultHTTPRequest()
	return map[string]schema.Attribute{
		"method": wordAttribute(d.Method, "Method of the request: "+words(spec.HTTPMethods())+"."),
		"path":   wordAttribute(d.Path, "Path and query of the request."),
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
		"expected_json": schema.MapAttribute{
			ElementType: types.StringType,
			Optional:    true,
			MarkdownDescription: "Values that the answer's body, which is JSON, has at JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)), such as " +
				"`{ \"/status\" = \"up\", \"/checks/0/ok\" = \"true\" }`. Text is compared as such, numbers, `true`, `false` and `null` as they stand in the answer. " +
				"At most 32.",
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

// httpCheck reads the attribute, and its secrets from the configuration's.
func httpCheck(o, config types.Object) *spec.HTTPCheck {
	v := spec.DefaultHTTPCheck()
	v.Address = address(attribute[iptypes.IPAddress](o, "address"))
	v.Port = portOrNone(attribute[types.Int64](o, "port"))
	v.Version = word(attribute[types.String](o, "version"), v.Version)
	v.TLS = tlsCheck(attribute[types.Object](o, "tls"), attribute[types.Object](config, "tls"))
	v.BasicAuth = basicAuth(attribute[types.Object](o, "basic_auth"), attribute[types.Object](config, "basic_auth"))
	v.FollowRedirects = flag(attribute[types.Bool](o, "follow_redirects"), v.FollowRedirects)
	v.HTTPRequest = httpRequest(o)
	for _, element := range attribute[types.List](o, "additional_requests").Elements() {
		request, _ := element.(types.Object)
		v.AdditionalRequests = append(v.AdditionalRequests, spec.AdditionalRequest{HTTPRequest: httpRequest(request)})
	}
	return &v
}

func httpRequest(o types.Object) spec.HTTPRequest {
	v := spec.DefaultHTTPRequest()
	v.Method = word(attribute[types.String](o, "method"), v.Method)
	v.Path = word(attribute[types.String](o, "path"), v.Path)
	v.Host = attribute[types.String](o, "host").ValueString()
	v.Headers = texts(attribute[types.Map](o, "headers"))
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
	v.ExpectedJSON = texts(attribute[types.Map](o, "expected_json"))
	return v
}

func httpCheckValue(v spec.HTTPCheck, before types.Object) types.Object {
	requests := types.ListNull(httpRequestType())
	had := attribute[types.List](before, "additional_requests")
	if len(v.AdditionalRequests) > 0 || !had.IsNull() {
		elements := make([]attr.Value, len(v.AdditionalRequests))
		for i, request := range v.AdditionalRequests {
			var former types.Object
			if i < len(had.Elements()) {
				former, _ = had.Elements()[i].(types.Object)
			}
			elements[i] = types.ObjectValueMust(httpRequestType().AttrTypes, httpRequestValues(request.HTTPRequest, former))
		}
		requests = types.ListValueMust(httpRequestType(), elements)
	}
	all := map[string]attr.Value{
		"address": addressOrNull(v.Address), "port": portOrNull(v.Port), "version": types.StringValue(string(v.Version)),
		"tls":              tlsCheckValue(v.TLS, attribute[types.Object](before, "tls")),
		"basic_auth":       basicAuthValue(v.BasicAuth, attribute[types.Object](before, "basic_auth")),
		"follow_redirects": types.BoolValue(v.FollowRedirects), "additional_requests": requests,
	}
	maps.Copy(all, httpRequestValues(v.HTTPRequest, before))
	return types.ObjectValueMust(httpCheckType().AttrTypes, all)
}

func httpRequestValues(v spec.HTTPRequest, before types.Object) map[string]attr.Value {
	expected := statusRanges(v.ExpectedStatus)
	if had := attribute[types.List](before, "expected_status"); keepEqualStatus().equalLists(had, expected) {
		expected = had
	}
	return map[string]attr.Value{
		"method": types.StringValue(v.Method), "path": types.StringValue(v.Path),
		"host": wordAsBefore(v.Host, before, "host"), "headers": textsAsBefore(v.Headers, before, "headers"), "body": wordAsBefore(v.Body, before, "body"),
		"expected_status": expected,
		"expected_body":   wordAsBefore(v.ExpectedBody, before, "expected_body"),
		"expected_match":  wordAsBefore(v.ExpectedMatch, before, "expected_match"),
		"expected_json":   textsAsBefore(v.ExpectedJSON, before, "expected_json"),
	}
}

// basicAuth reads the attribute; nil when it is left out.
func basicAuth(o, config types.Object) *spec.BasicAuth {
	if o.IsNull() {
		return nil
	}
	return &spec.BasicAuth{
		Username:        attribute[types.String](o, "username").ValueString(),
		Password:        word[spec.Secret](attribute[types.String](config, "password_wo"), ""),
		PasswordVersion: number(attribute[types.Int64](o, "password_wo_version"), 0),
	}
}

func basicAuthValue(v *spec.BasicAuth, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(basicAuthType().AttrTypes)
	}
	return types.ObjectValueMust(basicAuthType().AttrTypes, map[string]attr.Value{
		"username": types.StringValue(v.Username), "password_wo": types.StringNull(),
		"password_wo_version": unlessZero(v.PasswordVersion, attribute[types.Int64](before, "password_wo_version")),
	})
}

// texts reads a map of texts; nil when there is none.
func texts(m types.Map) map[string]string {
	var all map[string]string
	for name, value := range m.Elements() {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = textOf(value)
	}
	return all
}

// textsAsBefore returns a map of texts; an empty one is null, unless it was written as {}.
func textsAsBefore(v map[string]string, before types.Object, name string) types.Map {
	if had := attribute[types.Map](before, name); len(v) == 0 && had.IsNull() {
		return types.MapNull(types.StringType)
	}
	values := make(map[string]attr.Value, len(v))
	for name, value := range v {
		values[name] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, values)
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
