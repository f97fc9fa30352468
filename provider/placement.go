package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// placement is the part of every resource that says where its object is, and how it is there.
type placement struct {
	Directors      types.Set `tfsdk:"directors"`
	DirectorStatus types.Map `tfsdk:"director_status"`
}

// The states of an object on a director.
const (
	inSync      = "in_sync"
	drifted     = "drifted"
	missing     = "missing"
	unreachable = "unreachable"
	notApplied  = "not_applied"
)

// condition is how an object is on one director.
type condition struct{ state, drift string }

const statusDescription = "How the object is on each director, by the director's name. A plan expects `in_sync` everywhere, " +
	"so that drift on a single director shows as an update in place."

func directorsAttribute() schema.Attribute {
	return schema.SetAttribute{
		ElementType: types.StringType,
		Optional:    true,
		Computed:    true, // planned as the names of all directors when it is left out: never unknown
		MarkdownDescription: "Names of the directors that have this object. The default is all directors of the provider. " +
			"An object that refers to another one needs the same directors: `directors = lvs_virtual_server.web.directors`.",
	}
}

func directorStatusAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Computed:            true,
		MarkdownDescription: statusDescription,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"state": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "`in_sync`, `drifted`, `missing`, `unreachable` (it did not answer when it was read) or " +
					"`not_applied` (it did not answer when this was applied).",
			},
			"drift": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "What is not as it should be, field by field: `weight=9, want 1`.",
			},
		}},
	}
}

var conditionType = typeOf(directorStatusAttribute)

func (c condition) value() attr.Value {
	drift := types.StringNull()
	if c.drift != "" {
		drift = types.StringValue(c.drift)
	}
	return types.ObjectValueMust(conditionType().AttrTypes, map[string]attr.Value{
		"state": types.StringValue(c.state),
		"drift": drift,
	})
}

func (p *placement) placed() *placement { return p }

// names returns the directors that are set; nil when they are left out or not known.
func (p *placement) names() []string {
	var names []string
	for _, v := range p.Directors.Elements() {
		if name, ok := v.(types.String); ok && !name.IsUnknown() {
			names = append(names, name.ValueString())
		}
	}
	slices.Sort(names)
	return names
}

// targets returns the directors that the configuration asks for. known is false while that depends on
// something that only an apply will tell.
func (p *placement) targets(all []string) (targets []string, known bool, errs spec.FieldErrors) {
	if p.Directors.IsUnknown() {
		return nil, false, nil
	}
	if p.Directors.IsNull() {
		return all, true, nil
	}
	for _, v := range p.Directors.Elements() {
		if v.IsUnknown() {
			return nil, false, nil
		}
	}
	targets = p.names()
	if len(targets) == 0 {
		errs = append(errs, spec.FieldError{Pointer: "/directors", Detail: "the set is empty: name a director, or leave directors out to mean all"})
	}
	return targets, true, append(errs, strangers("/directors", targets, all)...)
}

// strangers reports names that no director of the provider has.
func strangers(pointer string, names, all []string) spec.FieldErrors {
	var errs spec.FieldErrors
	for _, name := range names {
		if !slices.Contains(all, name) {
			errs = append(errs, spec.FieldError{Pointer: pointer, Detail: fmt.Sprintf(
				"%q is not a director of the provider: use one of %s", name, strings.Join(all, ", "))})
		}
	}
	return errs
}

// place sets the directors.
func (p *placement) place(names []string) {
	values := make([]attr.Value, len(names))
	for i, name := range names {
		values[i] = types.StringValue(name)
	}
	p.Directors = types.SetValueMust(types.StringType, values)
}

// report sets how the object is on each director. A nil value is one that only the apply will tell.
func (p *placement) report(conditions map[string]*condition) {
	values := map[string]attr.Value{}
	for name, c := range conditions {
		if c == nil {
			values[name] = types.ObjectUnknown(conditionType().AttrTypes)
			continue
		}
		values[name] = c.value()
	}
	p.DirectorStatus = types.MapValueMust(conditionType(), values)
}

// condition returns how the object was on a director; nil when that is not said or not known.
func (p *placement) condition(director string) *condition {
	object, ok := p.DirectorStatus.Elements()[director].(types.Object)
	if !ok || object.IsNull() || object.IsUnknown() {
		return nil
	}
	state, _ := object.Attributes()["state"].(types.String)
	drift, _ := object.Attributes()["drift"].(types.String)
	return &condition{state: state.ValueString(), drift: drift.ValueString()}
}

// leftOpen reports whether the plan left it to the apply whether the director will be written to.
func (p *placement) leftOpen(director string) bool {
	v, ok := p.DirectorStatus.Elements()[director]
	return p.DirectorStatus.IsUnknown() || ok && v.IsUnknown()
}
