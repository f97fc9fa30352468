package spec

import (
	"net/netip"
	"strconv"
)

// Traffic is what the kernel counts of a service or server. What real servers send past the director, as
// under direct routing and tunnelling, is not counted.
type Traffic struct {
	Total     TrafficCounts `json:"total" doc:"since the service or server came into the kernel's table, or its counters were zeroed"`
	PerSecond TrafficCounts `json:"per_second" doc:"the kernel's estimate over the last seconds"`
}

// TrafficCounts counts connections, and what came from clients and went to them.
type TrafficCounts struct {
	Connections     uint64 `json:"connections"`
	IncomingPackets uint64 `json:"incoming_packets"`
	OutgoingPackets uint64 `json:"outgoing_packets"`
	IncomingBytes   uint64 `json:"incoming_bytes"`
	OutgoingBytes   uint64 `json:"outgoing_bytes"`
}

// Identity is what the kernel knows a service by.
type Identity struct {
	Address      netip.Addr `json:"address,omitzero"`
	Port         int        `json:"port,omitzero"`
	Protocol     Protocol   `json:"protocol,omitempty" doc:"left out with a firewall mark"`
	FirewallMark int64      `json:"firewall_mark,omitzero"`
	Family       Family     `json:"family,omitempty"`
}

// Identity returns what the kernel knows the service by.
func (v *VirtualServer) Identity() Identity {
	if v.FirewallMark != 0 {
		return Identity{FirewallMark: v.FirewallMark, Family: v.Family}
	}
	return Identity{Address: v.Address, Port: v.Port, Protocol: v.Protocol}
}

// Labels returns what metrics call a service by, as names and values in turn: the labels that operators
// know from node_exporter, of which those that do not apply are empty.
func (i Identity) Labels() []string {
	if i.FirewallMark != 0 {
		return []string{"local_address", "", "local_port", "", "proto", "FWM", "local_mark", strconv.FormatInt(i.FirewallMark, 10)}
	}
	protocol := map[Protocol]string{TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}[i.Protocol]
	return []string{"local_address", i.Address.String(), "local_port", strconv.Itoa(i.Port), "proto", protocol, "local_mark", ""}
}
