package provider

import (
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// complaints gathers what is wrong, so that what is wrong on two directors is said once.
type complaints []complaint

type complaint struct {
	at        path.Path
	detail    string
	directors []string
}

// add notes a complaint of a director; "" when it is nobody's in particular.
func (c *complaints) add(director string, at path.Path, detail string) {
	for i, known := range *c {
		if known.detail == detail && known.at.Equal(at) {
			if !slices.Contains(known.directors, director) {
				(*c)[i].directors = append(known.directors, director)
			}
			return
		}
	}
	*c = append(*c, complaint{at, detail, []string{director}})
}

func (c complaints) report(diags *diag.Diagnostics, summary string) {
	for _, one := range c {
		diags.Append(diag.WithPath(one.at, diag.NewErrorDiagnostic(summary, one.text())))
	}
}

func (c complaints) warn(diags *diag.Diagnostics, summary, because string) {
	for _, one := range c {
		diags.Append(diag.WithPath(one.at, diag.NewWarningDiagnostic(summary, one.text()+because)))
	}
}

func (c complaint) text() string {
	detail := c.detail
	if len(c.at.Steps()) > 1 {
		// Terraform shows the line of an attribute, but not of one inside another.
		detail = c.at.String() + ": " + detail
	}
	named := slices.DeleteFunc(slices.Sorted(slices.Values(c.directors)), func(name string) bool { return name == "" })
	if len(named) == 0 {
		return detail
	}
	return fmt.Sprintf("On %s: %s", list(named), detail)
}

// list writes names as a person does: "d1, d2 and d3".
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		text := names[0]
		for _, name := range names[1 : n-1] {
			text += ", " + name
		}
		return text + " and " + names[n-1]
	}
}
