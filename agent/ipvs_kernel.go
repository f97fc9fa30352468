//go:build !memoryipvs

package agent

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// openIPVS opens this kernel's IPVS.
func openIPVS() ipvsOfMachine {
	kernel := ipvs.NewKernel(ipvs.KernelConfig{})
	var modules ipvs.LocalModules
	return ipvsOfMachine{table: kernel, settings: kernel, modules: modules.Read, close: kernel.Close}
}
