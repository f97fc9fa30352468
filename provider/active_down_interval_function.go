package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type activeDownIntervalFunction struct{}

func newActiveDownIntervalFunction() function.Function { return activeDownIntervalFunction{} }

func (activeDownIntervalFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "active_down_interval"
}

func (activeDownIntervalFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "How long a backup waits before it takes over",
		MarkdownDescription: "Returns the Active_Down_Interval of RFC 9568 (Master_Down_Interval of RFC 3768): how long a director of that priority hears nothing " +
			"of the active one before it takes over. It is what a crash of the active director costs.",
		Parameters: []function.Parameter{
			function.Int64Parameter{Name: "priority", MarkdownDescription: "Priority of the director that waits, 1 to 255."},
			function.StringParameter{Name: "advertisement_interval", MarkdownDescription: "Time between two adverts of the active director, as a duration: `1s`."},
			function.Int64Parameter{Name: "version", MarkdownDescription: "Version of VRRP, 2 or 3."},
		},
		Return: function.StringReturn{},
	}
}

func (activeDownIntervalFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var priority, version int64
	var text string
	if resp.Error = req.Arguments.Get(ctx, &priority, &text, &version); resp.Error != nil {
		return
	}
	interval, err := time.ParseDuration(text)
	v := spec.DefaultVRRPInstance()
	v.Version, v.AdvertisementInterval = int(version), spec.Duration(interval)
	switch bad := v.ValidateInterval(); {
	case priority < 1 || priority > spec.OwnerPriority:
		resp.Error = function.NewArgumentFuncError(0, fmt.Sprintf("%d is out of range: use 1 to %d", priority, spec.OwnerPriority))
	case err != nil:
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf("%q is not a duration: write 1s or 100ms", text))
	case version != spec.VRRPv2 && version != spec.VRRPv3:
		resp.Error = function.NewArgumentFuncError(2, fmt.Sprintf("%d is not known: use 2 or 3", version))
	case bad != nil:
		resp.Error = function.NewArgumentFuncError(1, bad[0].Detail)
	default:
		resp.Error = resp.Result.Set(ctx, spec.ActiveDownInterval(int(version), int(priority), interval).String())
	}
}
