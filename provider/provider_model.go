package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
)

// defaultDirector is the name of the single director of a provider with an endpoint.
const defaultDirector = "default"

type providerModel struct {
	access
	Directors     types.Map    `tfsdk:"directors"`
	OnUnreachable types.String `tfsdk:"on_unreachable"`
	AdoptExisting types.Bool   `tfsdk:"adopt_existing"`
}

// access is where a director is and how to be let in. In the block itself it is what all have in common.
type access struct {
	Endpoint       types.String `tfsdk:"endpoint"`
	Token          types.String `tfsdk:"token"`
	CACertFile     types.String `tfsdk:"ca_cert_file"`
	CACertPEM      types.String `tfsdk:"ca_cert_pem"`
	ClientCertFile types.String `tfsdk:"client_cert_file"`
	ClientCertPEM  types.String `tfsdk:"client_cert_pem"`
	ClientKeyFile  types.String `tfsdk:"client_key_file"`
	ClientKeyPEM   types.String `tfsdk:"client_key_pem"`
}

// twin is something that is given as a file or as itself.
type twin struct {
	name      string
	file, pem types.String
}

func (a access) twins() []twin {
	return []twin{
		{"ca_cert", a.CACertFile, a.CACertPEM},
		{"client_cert", a.ClientCertFile, a.ClientCertPEM},
		{"client_key", a.ClientKeyFile, a.ClientKeyPEM},
	}
}

// read returns what the twin holds; nil when it is left out.
func (t twin) read(readFile func(string) ([]byte, error)) ([]byte, error) {
	if t.file.IsNull() {
		return []byte(t.pem.ValueString()), nil
	}
	data, err := readFile(t.file.ValueString())
	if err != nil {
		return nil, fmt.Errorf("%s_file: %w", t.name, err)
	}
	return data, nil
}

func (t twin) isNull() bool { return t.file.IsNull() && t.pem.IsNull() }

// director returns a director's own entry.
func (m providerModel) director(name string) access {
	of := func(attribute string) types.String {
		v, _ := entry(m.Directors, name).Attributes()[attribute].(types.String)
		return v
	}
	return access{
		Endpoint: of("endpoint"), Token: of("token"),
		CACertFile: of("ca_cert_file"), CACertPEM: of("ca_cert_pem"),
		ClientCertFile: of("client_cert_file"), ClientCertPEM: of("client_cert_pem"),
		ClientKeyFile: of("client_key_file"), ClientKeyPEM: of("client_key_pem"),
	}
}

// cluster makes the directors of a configuration that is fully known.
func (m providerModel) cluster(lookup func(string) (string, bool), readFile func(string) ([]byte, error), callTimeout time.Duration) (*cluster, error) {
	c := &cluster{directors: map[string]*director{}, onUnreachable: unreachableIsError, adoptExisting: m.AdoptExisting.ValueBool()}
	if value, ok := lookup("LVS_ON_UNREACHABLE"); ok && value != "" {
		c.onUnreachable = policy(value)
	}
	if !m.OnUnreachable.IsNull() {
		c.onUnreachable = policy(m.OnUnreachable.ValueString())
	}
	if c.onUnreachable != unreachableIsError && c.onUnreachable != unreachableIsWarning {
		return nil, fmt.Errorf(`on_unreachable (LVS_ON_UNREACHABLE) is %q: use "error" or "warn"`, string(c.onUnreachable))
	}
	if token, ok := lookup("LVS_TOKEN"); ok && m.Token.IsNull() && token != "" {
		m.Token = types.StringValue(token)
	}
	entries := map[string]access{}
	for name := range m.Directors.Elements() {
		entries[name] = m.director(name)
	}
	if len(entries) == 0 {
		if endpoint, ok := lookup("LVS_ENDPOINT"); ok && m.Endpoint.IsNull() && endpoint != "" {
			m.Endpoint = types.StringValue(endpoint)
		}
		if m.Endpoint.IsNull() {
			return nil, errors.New(`no director is given: write endpoint = "https://192.0.2.11:8443" for one, directors = { d1 = { endpoint = "…" } } for several, or set LVS_ENDPOINT`)
		}
		entries[defaultDirector] = m.access
	}
	for name, own := range entries {
		config, err := own.config(name, m.access, readFile)
		if err != nil {
			return nil, fmt.Errorf("director %s: %w", name, err)
		}
		config.Timeout = callTimeout
		one, err := client.New(config)
		if err != nil {
			return nil, err
		}
		c.directors[name] = newDirector(one)
	}
	return c, nil
}

// config returns how a director is spoken to: its own entry, and what all have in common for the rest.
func (a access) config(name string, common access, readFile func(string) ([]byte, error)) (client.Config, error) {
	c := client.Config{Name: name, Endpoint: a.Endpoint.ValueString(), Token: a.Token.ValueString()}
	if a.Token.IsNull() {
		c.Token = common.Token.ValueString()
	}
	for i, into := range []*[]byte{&c.CACert, &c.ClientCert, &c.ClientKey} {
		source := a.twins()[i]
		if source.isNull() {
			source = common.twins()[i]
		}
		data, err := source.read(readFile)
		if err != nil {
			return client.Config{}, err
		}
		*into = data
	}
	return c, nil
}
