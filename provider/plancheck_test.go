package provider

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// before checks a value of the state that a plan starts from, after the refresh.
type before struct {
	resource string
	path     []string
	want     string
}

func (c before) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != c.resource {
			continue
		}
		value := change.Change.Before
		for _, step := range c.path {
			object, ok := value.(map[string]any)
			if !ok {
				resp.Error = fmt.Errorf("%s: there is no %v before the change: %v", c.resource, c.path, change.Change.Before)
				return
			}
			value = object[step]
		}
		if got := fmt.Sprint(value); got != c.want {
			resp.Error = fmt.Errorf("%s: %v is %s before the change, want %s", c.resource, c.path, got, c.want)
		}
		return
	}
	resp.Error = fmt.Errorf("%s is not in the plan", c.resource)
}

// replaceOnce replaces a text that must be there.
func replaceOnce(t *testing.T, in, what, by string) string {
	t.Helper()
	if !strings.Contains(in, what) {
		t.Fatalf("%q is not in %s", what, in)
	}
	return strings.Replace(in, what, by, 1)
}

func addressOf(s string) netip.Addr { return netip.MustParseAddr(s) }

func addressPortOf(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func prefixesOf(s ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(s))
	for i := range s {
		prefixes[i] = netip.MustParsePrefix(s[i])
	}
	return prefixes
}

func realServerOf(weight int) spec.RealServer { return spec.RealServer{Weight: weight} }
