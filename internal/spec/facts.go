package spec

import "net/netip"

// Facts are what a machine is, asked for or not.
type Facts struct {
	KernelRelease string                      `json:"kernel_release,omitempty" doc:"as uname -r prints it"`
	Interfaces    map[string]NetworkInterface `json:"interfaces,omitempty" doc:"network interfaces, by name"`
	WakeUpJitter  Duration                    `json:"wake_up_jitter,omitzero" doc:"how late a real-time thread woke at most in the last five minutes: adverts are that late"`
	Schedulers    []string                    `json:"schedulers,omitempty" doc:"IPVS schedulers that the kernel has or could load; left out where /lib/modules does not tell"`
}

// NetworkInterface is one of a machine's.
type NetworkInterface struct {
	Up        bool           `json:"up" doc:"it is switched on"`
	Running   bool           `json:"running" doc:"it has a carrier"`
	Addresses []netip.Prefix `json:"addresses" doc:"addresses that are on it now, virtual ones included"`
}
