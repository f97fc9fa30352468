//go:build memoryipvs

package agent

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// openIPVS keeps in memory what would be in the kernel, for measurements of all else on a kernel without IPVS.
func openIPVS() ipvsOfMachine {
	return ipvsOfMachine{
		table: ipvs.NewFake(), settings: ipvs.NewFakeSettings(),
		modules: func() (ipvs.Modules, error) { return nil, nil }, close: func() error { return nil },
	}
}
