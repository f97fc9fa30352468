package spec

// IPVSTable is the table of a director's kernel, whoever made what is in it.
type IPVSTable struct {
	Services map[string]KernelService `json:"services" doc:"by what the kernel knows them by: tcp/192.0.2.100:80, fwmark/5/ipv4"`
}

// KernelService is a service as the kernel has it.
type KernelService struct {
	VirtualServer  string                       `json:"virtual_server,omitempty" doc:"name of the virtual server that it is; left out when nobody asked this agent for it"`
	Scheduler      string                       `json:"scheduler"`
	SchedulerFlags []string                     `json:"scheduler_flags,omitempty"`
	OnePacket      bool                         `json:"one_packet,omitzero"`
	Persistence    *Persistence                 `json:"persistence,omitzero"`
	Traffic        Traffic                      `json:"traffic" doc:"servers that are gone included"`
	Destinations   map[string]KernelDestination `json:"destinations" doc:"by address:port"`
}

// KernelDestination is a destination as the kernel has it.
type KernelDestination struct {
	ForwardingMethod      string         `json:"forwarding_method" enum:"nat,dr,tunnel,local,bypass"`
	Tunnel                *TunnelOptions `json:"tunnel,omitzero"`
	Weight                int            `json:"weight"`
	UpperThreshold        int            `json:"upper_threshold,omitzero"`
	LowerThreshold        int            `json:"lower_threshold,omitzero"`
	ActiveConnections     uint64         `json:"active_connections"`
	InactiveConnections   uint64         `json:"inactive_connections"`
	PersistentConnections uint64         `json:"persistent_connections"`
	Traffic               Traffic        `json:"traffic"`
}
