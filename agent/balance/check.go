package balance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Check reports why this machine cannot have the service: its kernel has no IPVS, or not that scheduler. It
// loads no scheduler to find out.
func (b *Balancer) Check(ctx context.Context, v spec.VirtualServer) spec.FieldErrors {
	if _, err := b.kernel.Info(ctx); err != nil {
		return spec.FieldErrors{{Detail: "this director cannot balance: " + err.Error()}}
	}
	modules, err := b.modules()
	if err != nil {
		b.log.Warn("what this kernel's IPVS has is not known", "error", err)
		return nil
	}
	var errs spec.FieldErrors
	if !modules.Has(v.Scheduler) {
		errs = append(errs, spec.FieldError{Pointer: "/scheduler", Detail: fmt.Sprintf(
			"the kernel of this director has no scheduler %q: use one of %s, or install its module ip_vs_%s", v.Scheduler, strings.Join(Schedulers(modules), ", "), v.Scheduler)})
	}
	if p := v.Persistence; p != nil && p.Engine != "" && !modules.Has("pe_"+p.Engine) {
		errs = append(errs, spec.FieldError{Pointer: "/persistence/engine", Detail: fmt.Sprintf(
			"the kernel of this director has no persistence engine %q: leave it out, or install its module ip_vs_pe_%s", p.Engine, p.Engine)})
	}
	return errs
}

// Schedulers returns those of the schedulers that a service may ask for which the kernel has; nil where that is
// not known.
func Schedulers(modules ipvs.Modules) []string {
	if modules == nil {
		return nil
	}
	return slices.DeleteFunc(spec.Schedulers(), func(name string) bool { return !modules.Has(name) })
}
