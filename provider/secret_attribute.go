package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// secretAttribute is a text that is in no plan and no state. version is the attribute that goes with it.
func secretAttribute(description, version string) schema.Attribute {
	return schema.StringAttribute{
		Optional:            true,
		Sensitive:           true,
		WriteOnly:           true,
		MarkdownDescription: description + " It is in no plan, no state and no answer of a director: another one is only noticed along with another `" + version + "`.",
	}
}

// secretVersionAttribute is the number that goes with a secret.
func secretVersionAttribute(secret string) schema.Attribute {
	return schema.Int64Attribute{
		Optional:            true,
		MarkdownDescription: "A number of your own that goes with `" + secret + "`: change it whenever you change that.",
	}
}
