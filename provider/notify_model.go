package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var hookType = typeOf(func() schema.Attribute { return notifyAttribute("", nil, "") })

var webhookType = typeOf(webhookAttribute)

// notifyAttribute is who is told of what happens to an object, which changes between these states.
func notifyAttribute(of string, states []string, style string) schema.Attribute {
	d := spec.DefaultHook()
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Hooks that every director tells of each change of state of " + of + ", by a name of your own: each is a `command` or a `webhook`. " +
			"Each is told in order and at least once. See the guide [Hooks](../guides/hooks.md).",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"command": schema.ListAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "Absolute path of a program on the directors, and its arguments. It runs as check scripts do: without a shell, inside the agent's " +
					"`scripts.directory`, and nobody but its owner may be able to write to it.",
			},
			"style":   wordAttribute(string(d.Style), style),
			"webhook": webhookAttribute(),
			"states": schema.SetAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             setdefault.StaticValue(wordSet(nil)),
				MarkdownDescription: "Only what comes to be in one of these states is told: of " + words(states) + ". Left out, or empty, all is told.",
			},
			"timeout": durationAttribute(d.Timeout, "After this the program and all that it started are killed, or the web server has not answered: `100ms` to `5m`."),
		}},
	}
}

func webhookAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Instead of a `command`: a web server that is told by POST.",
		Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Where to, `http` or `https`. It is in the state and in answers of the directors, so it is no place for a secret.",
			},
			"secret": secretAttribute("Key that notifications are signed with, as [Standard Webhooks](https://www.standardwebhooks.com) says: at least 24 bytes of text, "+
				"or `whsec_` and base64.", "secret_version"),
			"secret_version": secretVersionAttribute("secret"),
			"ca_cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Certificates of the authorities that may have signed the server's, in PEM. Left out, they are those of the directors' systems.",
			},
		},
	}
}

// hooks reads the attribute, with the secrets that a configuration alone has.
func hooks(of types.Map, secrets map[string]spec.Secret) map[string]spec.Hook {
	var all map[string]spec.Hook
	for name := range of.Elements() {
		if all == nil {
			all = map[string]spec.Hook{}
		}
		o := entry(of, name)
		v := spec.DefaultHook()
		command := attribute[types.List](o, "command")
		v.Command = textList(command)
		if command.IsUnknown() {
			v.Command = []string{"/"} // there will be some, with which nothing is wrong yet
		}
		v.Style = word(attribute[types.String](o, "style"), v.Style)
		v.Webhook = webhook(attribute[types.Object](o, "webhook"), secrets[name])
		v.States = wordsOf(attribute[types.Set](o, "states"))
		v.Timeout = duration(attribute[timetypes.GoDuration](o, "timeout"), v.Timeout, v.Timeout)
		all[name] = v
	}
	return all
}

// webhook reads the attribute; nil when it is left out. What is not known yet will be some.
func webhook(o types.Object, secret spec.Secret) *spec.Webhook {
	if o.IsNull() {
		return nil
	}
	return &spec.Webhook{
		URL:           attribute[types.String](o, "url").ValueString(),
		Secret:        secret,
		SecretVersion: number(attribute[types.Int64](o, "secret_version"), 0),
		CACertPEM:     attribute[types.String](o, "ca_cert_pem").ValueString(),
	}
}

// webhookSecrets are the secrets in a configuration, by the hook's name.
func webhookSecrets(of types.Map) map[string]spec.Secret {
	all := map[string]spec.Secret{}
	for name := range of.Elements() {
		all[name] = word[spec.Secret](attribute[types.String](attribute[types.Object](entry(of, name), "webhook"), "secret"), "")
	}
	return all
}

// hooksValue returns the attribute. Nothing at all is an empty map where the configuration says so.
func hooksValue(hooks map[string]spec.Hook, before types.Map) types.Map {
	if len(hooks) == 0 && before.IsNull() {
		return types.MapNull(hookType())
	}
	values := map[string]attr.Value{}
	for name, v := range hooks {
		old := entry(before, name)
		values[name] = types.ObjectValueMust(hookType().AttrTypes, map[string]attr.Value{
			"command": textListAsBefore(v.Command, attribute[types.List](old, "command")),
			"style":   types.StringValue(string(v.Style)),
			"webhook": webhookValue(v.Webhook, attribute[types.Object](old, "webhook")),
			"states":  wordSet(v.States),
			"timeout": durationValue(v.Timeout),
		})
	}
	return types.MapValueMust(hookType(), values)
}

func webhookValue(v *spec.Webhook, before types.Object) types.Object {
	if v == nil {
		return types.ObjectNull(webhookType().AttrTypes)
	}
	return types.ObjectValueMust(webhookType().AttrTypes, map[string]attr.Value{
		"url": types.StringValue(v.URL), "secret": types.StringNull(),
		"secret_version": unlessZero(v.SecretVersion, attribute[types.Int64](before, "secret_version")),
		"ca_cert_pem":    wordAsBefore(v.CACertPEM, before, "ca_cert_pem"),
	})
}
