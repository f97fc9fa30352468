package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// clusterResource is what all resources have in common: one object in Terraform that is on several
// directors. What differs between them is in kind and in the model.
type clusterResource[Spec, State any, M model[Spec]] struct {
	kind kind[Spec, State]
	// model returns a new one, to be filled from a configuration, a plan or a state.
	model   func() M
	cluster *cluster
}

// model is the attributes of a resource. While a configuration is only partly known, what is not known
// reads as a value that is nothing to complain about.
type model[Spec any] interface {
	// key identifies the object on a director: its name, or web/192.0.2.21:80.
	key() string
	// spec is what a director is asked for.
	spec(director string) Spec
	// variants lists directors such that every different spec is among theirs; "" is any director.
	variants() []string
	// validate judges what a director is asked for, as far as its values tell.
	validate(director string) spec.FieldErrors
	// locate tells where the field of a director's spec stands in the configuration.
	locate(director, pointer string) string
	// targets returns the directors that the configuration asks for, of all that there are.
	targets(all []string) (targets []string, known bool, errs spec.FieldErrors)
	// complete fills in what follows from other attributes.
	complete()
	// adopt prepares an object that is being imported for observe.
	adopt(actual map[string]Spec, all []string)
	// observe takes over the values on which all directors that have the object agree.
	observe(actual map[string]Spec)
	// placed is where the object is.
	placed() *placement
	// limits is how long a change of the object may take, and the attribute that says so.
	limits() (of timeouts.Value, attribute string)
}

// confidant is a model with write-only attributes: a configuration alone has their values, and spec alone
// tells them.
type confidant[M any] interface{ confide(config M) }

func confide[M any](m, config M) {
	if c, ok := any(m).(confidant[M]); ok {
		c.confide(config)
	}
}

func (r *clusterResource[Spec, State, M]) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.kind.resource
}

func (r *clusterResource[Spec, State, M]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	if req.ProviderData == nil {
		return // validation comes before configuration
	}
	c, ok := req.ProviderData.(*cluster)
	if !ok {
		resp.Diagnostics.AddError("Unable to Configure Resource", fmt.Sprintf("the provider handed over a %T: please report this", req.ProviderData))
		return
	}
	r.cluster = c
}

// mayNotBeMeant ends the summary of a warning about what is possible and yet hardly meant.
const mayNotBeMeant = " May Not Be What Is Meant"

// doubter is a model that may say what is possible and yet hardly meant.
type doubter interface{ doubts() spec.FieldErrors }

// ValidateConfig finds all that is wrong with the values themselves, before any director is asked.
func (r *clusterResource[Spec, State, M]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	m := r.model()
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	confide(m, m)
	var c complaints
	for _, director := range m.variants() {
		for _, e := range m.validate(director) {
			at := attributePath(req.Config.Schema.Type(), m.locate(director, e.Pointer))
			if settled(ctx, req.Config, at) {
				c.add(director, at, e.Detail)
			}
		}
	}
	c.report(&resp.Diagnostics, r.unableTo("Validate"))
	if d, ok := any(m).(doubter); ok {
		for _, e := range d.doubts() {
			resp.Diagnostics.AddAttributeWarning(attributePath(req.Config.Schema.Type(), e.Pointer), r.kind.title+mayNotBeMeant, e.Detail)
		}
	}
}

func (r *clusterResource[Spec, State, M]) unableTo(verb string) string {
	return "Unable to " + verb + " " + r.kind.title
}

// without returns the names that are not in other.
func without(names, other []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(other, name) })
}
