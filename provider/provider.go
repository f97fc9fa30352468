// Package provider is Terraform's side: what a user writes about a pair of directors, and how the two
// are made to be it.
//
// It knows the directors by their API alone, through internal/client, and what a user may ask for by
// internal/spec. It must not know how a director does what it is asked for: nothing of agent/ is
// imported here.
package provider

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	fwlist "github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type lvsProvider struct {
	version string
	// callTimeout bounds a call to a director; 0 is the client's own.
	callTimeout time.Duration
}

// New returns what makes a provider of that version. Each one made has its own view of the directors.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &lvsProvider{version: version} }
}

func (p *lvsProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "lvs", p.version
}

func (*lvsProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	const each = " May be overridden in a director's own entry."
	director := accessAttributes("")
	director["endpoint"] = schema.StringAttribute{Required: true, MarkdownDescription: endpointDescription}
	attributes := accessAttributes(each)
	maps.Copy(attributes, map[string]schema.Attribute{
		"endpoint": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "The only director, which is then named `default`. " + endpointDescription + " The default is the environment variable `LVS_ENDPOINT`. " +
				"Give this or `directors`.",
		},
		"directors": schema.MapNestedAttribute{
			Optional:            true,
			MarkdownDescription: "The directors of the cluster, by a name of your choice that resources refer to.",
			NestedObject:        schema.NestedAttributeObject{Attributes: director},
		},
		"on_unreachable": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What becomes of a plan or an apply while a director does not answer: `error`, or `warn` to go on without it. " +
				"The default is the environment variable `LVS_ON_UNREACHABLE`, else `error`.",
		},
		"adopt_existing": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether creating an object that exists already on a director takes it over and overwrites it. " +
				"The default is `false`: it is an error that says what differs and how to import it.",
		},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "Linux Virtual Server as code: virtual routers (VRRP), virtual servers and real servers (IPVS) on one or several directors that run `lvs-agent`.",
		Attributes:          attributes,
	}
}

const endpointDescription = "Where its agent listens: `https://HOST:PORT`, `unix:///PATH`, or `http://HOST:PORT` on loopback."

// accessAttributes are what it takes to be let in by a director.
func accessAttributes(scope string) map[string]schema.Attribute {
	optional := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description + scope}
	}
	token := "Token of the agent, sent as a bearer token."
	if scope != "" {
		token += " The default is the environment variable `LVS_TOKEN`."
	}
	return map[string]schema.Attribute{
		"token":            schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: token + scope},
		"ca_cert_file":     optional("File of the CA certificates that the agent's certificate is signed by, PEM. The default are the system's."),
		"ca_cert_pem":      optional("The CA certificates themselves, PEM, in place of `ca_cert_file`."),
		"client_cert_file": optional("File of the client certificate, PEM."),
		"client_cert_pem":  optional("The client certificate itself, PEM, in place of `client_cert_file`."),
		"client_key_file":  optional("File of the client certificate's key, PEM."),
		"client_key_pem": schema.StringAttribute{Optional: true, Sensitive: true,
			MarkdownDescription: "The client certificate's key itself, PEM, in place of `client_key_file`." + scope},
	}
}

// ValidateConfig finds what is wrong with the block before anything is configured.
func (*lvsProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	const summary = "Unable to Validate Provider"
	wrong := resp.Diagnostics.AddAttributeError
	if !m.Endpoint.IsNull() && !m.Directors.IsNull() {
		wrong(path.Root("endpoint"), summary, "endpoint and directors are both given: use endpoint for a single director, directors for several.")
	}
	if !m.Directors.IsNull() && !m.Directors.IsUnknown() && len(m.Directors.Elements()) == 0 {
		wrong(path.Root("directors"), summary, `There are none: write directors = { d1 = { endpoint = "https://192.0.2.11:8443" } }.`)
	}
	switch value := policy(m.OnUnreachable.ValueString()); {
	case m.OnUnreachable.IsNull() || m.OnUnreachable.IsUnknown():
	case value != unreachableIsError && value != unreachableIsWarning:
		wrong(path.Root("on_unreachable"), summary, `Use "error" or "warn".`)
	}
	check := func(at path.Path, a access) {
		for _, twin := range a.twins() {
			if !twin.file.IsNull() && !twin.pem.IsNull() {
				wrong(at.AtName(twin.name+"_file"), summary, twin.name+"_file and "+twin.name+"_pem are both given: remove one.")
			}
		}
		if a.Endpoint.IsNull() || a.Endpoint.IsUnknown() {
			return
		}
		if err := client.CheckEndpoint(a.Endpoint.ValueString()); err != nil {
			wrong(at.AtName("endpoint"), summary, err.Error())
		}
	}
	check(path.Empty(), m.access)
	for _, name := range slices.Sorted(maps.Keys(m.Directors.Elements())) {
		at := path.Root("directors").AtMapKey(name)
		if errs := spec.ValidateName(name); errs != nil {
			wrong(at, summary, errs[0].Detail)
		}
		check(at, m.director(name))
	}
}

// Configure makes a client for each director. It sends nothing: a director that is down is an error of
// the resources that need it.
func (p *lvsProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !req.Config.Raw.IsFullyKnown() {
		return // resources leave open what they cannot know yet
	}
	c, err := m.cluster(os.LookupEnv, os.ReadFile, p.callTimeout)
	if err != nil {
		resp.Diagnostics.AddError("Unable to Configure Provider", err.Error())
		return
	}
	resp.ResourceData, resp.DataSourceData, resp.ActionData, resp.ListResourceData = c, c, c, c
}

func (*lvsProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newVRRPInstanceResource,
		newVirtualServerResource,
		newRealServerResource,
		newRealServerGroupResource,
		newCheckScriptResource,
		newIPVSSettingsResource,
	}
}

func (*lvsProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newDirectorDataSource,
		newDirectorsDataSource,
		newVRRPInstanceDataSource,
		newVirtualServerDataSource,
		newIPVSTableDataSource,
	}
}

func (*lvsProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		newVirtualMACFunction,
		newActiveDownIntervalFunction,
		newParseServiceFunction,
	}
}

func (*lvsProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{
		newFailoverAction,
		newDrainAction,
	}
}

func (*lvsProvider) ListResources(context.Context) []func() fwlist.ListResource {
	return []func() fwlist.ListResource{
		listed(newVRRPInstanceResource),
		listed(newVirtualServerResource),
		listed(newRealServerResource),
		listed(newRealServerGroupResource),
		listed(newCheckScriptResource),
		listed(newIPVSSettingsResource),
	}
}
