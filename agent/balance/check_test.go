package balance

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestServiceThatTheKernelCannotHaveIsRefusedAtItsField(t *testing.T) {
	t.Parallel()
	sip := &spec.Persistence{Engine: spec.EngineSIP}
	for name, test := range map[string]struct {
		modules ipvs.Modules
		service spec.VirtualServer
		want    spec.FieldErrors
	}{
		"all there": {ipvs.Modules{"pe_sip", "rr"}, spec.VirtualServer{Scheduler: "rr", Persistence: sip}, nil},
		"not known": {nil, spec.VirtualServer{Scheduler: "twos", Persistence: sip}, nil},
		"scheduler": {ipvs.Modules{"lc", "rr"}, spec.VirtualServer{Scheduler: "twos"}, spec.FieldErrors{{
			Pointer: "/scheduler", Detail: `the kernel of this director has no scheduler "twos": use one of rr, lc, or install its module ip_vs_twos`,
		}}},
		"engine": {ipvs.Modules{"rr"}, spec.VirtualServer{Scheduler: "rr", Persistence: sip}, spec.FieldErrors{{
			Pointer: "/persistence/engine", Detail: `the kernel of this director has no persistence engine "sip": leave it out, or install its module ip_vs_pe_sip`,
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New(Config{Kernel: ipvs.NewFake(), Modules: func() (ipvs.Modules, error) { return test.modules, nil }})
			if diff := cmp.Diff(test.want, b.Check(t.Context(), test.service)); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
		})
	}
}
