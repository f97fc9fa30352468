package spec

import (
	"fmt"
	"net/netip"
	"time"
)

// Object is what a director answers about one object: what was asked for, and what is.
type Object[Spec, State any] struct {
	Spec   Spec   `json:"spec"`
	Status State  `json:"status"`
	ETag   string `json:"etag" doc:"strong entity tag of the canonical spec, quotes included"`
	// Unresolved is answered by a dry run alone.
	Unresolved FieldErrors `json:"unresolved,omitempty" doc:"dry run: references to objects that do not exist yet"`
	// Warnings are answered by a dry run alone.
	Warnings FieldErrors `json:"warnings,omitempty" doc:"dry run: what this machine could do, and probably not well"`
}

// Snapshot is everything a director has, states included, counters not: two equal snapshots are one
// ETag, however much traffic flowed between them.
type Snapshot struct {
	Name           string                                             `json:"name"`
	Version        string                                             `json:"version"`
	Revision       uint64                                             `json:"revision"`
	VRRPInstances  map[string]Object[VRRPInstance, VRRPInstanceState] `json:"vrrp_instances"`
	VirtualServers map[string]VirtualServerSnapshot                   `json:"virtual_servers"`
	CheckScripts   map[string]Object[CheckScript, CheckScriptState]   `json:"check_scripts"`
	IPVSSettings   *Object[IPVSSettings, IPVSSettingsState]           `json:"ipvs_settings,omitzero"`
	Drift          []Drift                                            `json:"drift"`
}

// VirtualServerSnapshot is a virtual server with its real servers, by address:port.
type VirtualServerSnapshot struct {
	Object[VirtualServer, VirtualServerState]
	RealServers map[string]Object[RealServer, RealServerState] `json:"real_servers"`
	// RealServerGroup says that the real servers belong together.
	RealServerGroup bool `json:"real_server_group,omitzero" doc:"the real servers are a group: they are only changed together"`
}

// Status is what is happening on a director now.
type Status struct {
	Name           string                         `json:"name"`
	Version        string                         `json:"version"`
	Dataplane      string                         `json:"dataplane" enum:"kernel,memory"`
	Degraded       string                         `json:"degraded,omitempty" doc:"why the agent cannot tell what is wanted: it touches nothing, takes part in no election and accepts no change"`
	IPVS           IPVSStatus                     `json:"ipvs"`
	Facts          Facts                          `json:"facts" doc:"of the machine; empty with the memory data plane"`
	Revision       uint64                         `json:"revision" doc:"of the desired state: how many changes it has seen"`
	Events         EventsStatus                   `json:"events"`
	VRRPInstances  map[string]VRRPInstanceStatus  `json:"vrrp_instances"`
	VirtualServers map[string]VirtualServerStatus `json:"virtual_servers"`
	CheckScripts   map[string]CheckScriptStatus   `json:"check_scripts"`
	IPVSSettings   IPVSSettingsState              `json:"ipvs_settings" doc:"settings as they are on this machine, asked for or not"`
	Hooks          map[string]HookStatus          `json:"hooks,omitempty" doc:"hooks that had something to tell since the agent was started, by kind, object and name: vrrp_instance/web/pager"`
	Drift          []Drift                        `json:"drift"`
}

// IPVSStatus says whether the kernel balances at all.
type IPVSStatus struct {
	Available bool   `json:"available"`
	Version   string `json:"version,omitempty" doc:"version of the kernel's IPVS, such as 1.2.1"`
	Reason    string `json:"reason,omitempty" doc:"why it is not available, and what to load"`
	// ForeignServices are never touched.
	ForeignServices []string `json:"foreign_services,omitempty" doc:"services in the kernel's table that nobody asked this agent for, such as tcp/192.0.2.200:80"`
}

// InstanceState is a state of a VRRP instance: RFC 9568's three, and fault.
type InstanceState string

// The states of an instance.
const (
	InstanceInitialize InstanceState = "initialize"
	InstanceBackup     InstanceState = "backup"
	InstanceActive     InstanceState = "active"
	InstanceFault      InstanceState = "fault"
)

// VRRPInstanceState is the state of an instance.
type VRRPInstanceState struct {
	State             InstanceState `json:"state" enum:"initialize,backup,active,fault," doc:"empty in the answer to a dry run of a new one"`
	Reason            string        `json:"reason,omitempty" doc:"why it is in fault, or what a backup waits for before it may become active"`
	EffectivePriority int           `json:"effective_priority" doc:"the priority with the weights of what is tracked"`
	Since             time.Time     `json:"since,omitzero" doc:"time of the last change of state"`
	ActiveRouter      string        `json:"active_router,omitempty" doc:"primary address of the router that was last heard or is active here"`
	SyncGroup         string        `json:"sync_group,omitempty" enum:"complete,incomplete" doc:"incomplete while the instance is alone in its sync group, and so does as it would without"`
	Failover          bool          `json:"failover,omitzero" doc:"it handed over on request, and preempts nobody until the other leaves or the failover is deleted"`
}

// States of a sync group.
const (
	SyncGroupComplete   = "complete"
	SyncGroupIncomplete = "incomplete"
)

// VRRPInstanceStatus adds the counters.
type VRRPInstanceStatus struct {
	VRRPInstanceState
	VirtualMAC        string            `json:"virtual_mac,omitempty" doc:"the virtual router's MAC, where the instance has virtual_mac"`
	VirtualInterface  string            `json:"virtual_interface,omitempty" doc:"the network interface that has it and carries the addresses; it is down while the instance is not active"`
	AdvertsSent       uint64            `json:"adverts_sent"`
	AdvertsUnsent     uint64            `json:"adverts_unsent" doc:"adverts that the kernel did not take"`
	AdvertsReceived   uint64            `json:"adverts_received"`
	BecameActive      uint64            `json:"became_active"`
	AddressesRestored uint64            `json:"addresses_restored" doc:"virtual addresses that somebody else removed and that were put back"`
	Drops             map[string]uint64 `json:"drops,omitempty" doc:"adverts that were dropped, by reason"`
	Oddities          map[string]uint64 `json:"oddities,omitempty" doc:"adverts, taken or dropped, that show another router's configuration to be at odds with this one: checksum_rfc5798, address_list, interval, two_owners, version, authentication"`
	Warnings          []string          `json:"warnings,omitempty" doc:"those oddities of the last hour that should be mended, each with what it leads to and how to mend it"`
}

// VirtualServerState is the state of a service: up while its servers that are up reach its quorum.
type VirtualServerState struct {
	State       string `json:"state" enum:"up,down,degraded," doc:"degraded: the kernel does not have it as it was asked for, and reason says why; it is tried again; empty in the answer to a dry run of a new one"`
	Reason      string `json:"reason,omitempty" doc:"why it is degraded"`
	LiveWeight  int    `json:"live_weight" doc:"sum of the weights of the servers that are up, which the quorum is measured against"`
	SorryServer bool   `json:"sorry_server,omitzero" doc:"the sorry server takes the place of the real servers"`
}

// States of a virtual server.
const (
	ServiceUp       = "up"
	ServiceDown     = "down"
	ServiceDegraded = "degraded"
)

// VirtualServerStatus adds the servers.
type VirtualServerStatus struct {
	VirtualServerState
	Identity    Identity                    `json:"identity" doc:"what the kernel knows the service by"`
	Traffic     Traffic                     `json:"traffic" doc:"what the kernel counts, servers that are gone included"`
	RealServers map[string]RealServerStatus `json:"real_servers"`
}

// RealServerState is the state of a real server: the weight is the one in the kernel's table, 0 when
// it is not there.
type RealServerState struct {
	Healthy bool   `json:"healthy"`
	Weight  int    `json:"weight"`
	Reason  string `json:"reason,omitempty" doc:"what the last check said, in words"`
	// Drain is left out while the server takes connections.
	Drain *DrainState `json:"drain,omitzero" doc:"why it gets no new connections though it is healthy; left out otherwise"`
}

// DrainState says that a server gets no new connections, on request.
type DrainState struct {
	Kind     DrainKind `json:"kind" enum:"removal,maintenance" doc:"removal ends with the last connection or at the deadline, maintenance when it is undone"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline,omitzero" doc:"when it is removed at the latest"`
}

// DrainKind is what a drain is for.
type DrainKind string

// The kinds of drain.
const (
	DrainRemoval     DrainKind = "removal"
	DrainMaintenance DrainKind = "maintenance"
)

// State returns what is told of the drain.
func (d Drain) State() *DrainState {
	kind := DrainMaintenance
	if d.Removes() {
		kind = DrainRemoval
	}
	return &DrainState{Kind: kind, Since: d.Since, Deadline: d.Deadline()}
}

// RealServerStatus adds the counters.
type RealServerStatus struct {
	RealServerState
	// Check is left out for a server that is not checked.
	Check                 *CheckFacts `json:"check,omitzero" doc:"what its health check has seen"`
	ConnectionsLeft       uint64      `json:"connections_left,omitzero" doc:"connections that a drain waits for: the active ones, over UDP all"`
	ActiveConnections     uint64      `json:"active_connections"`
	InactiveConnections   uint64      `json:"inactive_connections"`
	PersistentConnections uint64      `json:"persistent_connections" doc:"clients that persistence keeps with the server"`
	Traffic               Traffic     `json:"traffic"`
}

// Leaving says in words what the removal of the server waits for.
func (s RealServerStatus) Leaving() string {
	text := fmt.Sprintf("%d connections left", s.ConnectionsLeft)
	if s.Drain != nil && !s.Drain.Deadline.IsZero() {
		text += ", which are cut at " + s.Drain.Deadline.Format(time.RFC3339)
	}
	return text
}

// CheckFacts is what a check has seen of what it checks.
type CheckFacts struct {
	Passed       bool      `json:"passed" doc:"how the last round ended; it takes several in a row to change the verdict"`
	Reason       string    `json:"reason,omitempty" doc:"why the last round failed, in words"`
	At           time.Time `json:"at,omitzero" doc:"when the last round ended; left out before the first"`
	Latency      Duration  `json:"latency" doc:"how long the last round took"`
	Changed      time.Time `json:"changed,omitzero" doc:"when the verdict last changed; left out when it never did since the agent started"`
	Flaps        int       `json:"flaps" doc:"how often it went from passing to failing in the last hour; at most 100 are counted"`
	PassesNeeded int       `json:"passes_needed" doc:"passes in a row that it takes to come back: rise, and more with flap_damping"`
}

// CheckScriptState is the verdict on a check script.
type CheckScriptState struct {
	Passing bool   `json:"passing"`
	Reason  string `json:"reason,omitempty" doc:"how the last run ended, in words"`
}

// CheckScriptStatus adds the counters.
type CheckScriptStatus struct {
	CheckScriptState
	Runs     uint64     `json:"runs"`
	Failures uint64     `json:"failures"`
	Check    CheckFacts `json:"check" doc:"what the runs have seen"`
}

// IPVSSettingsState is the settings as they are on the machine: what the kernel does not have is left out.
type IPVSSettingsState struct {
	Master   *SyncDaemon    `json:"master,omitzero" doc:"the sync daemon that tells others of connections, while it runs"`
	Backup   *SyncDaemon    `json:"backup,omitzero" doc:"the sync daemon that hears of connections, while it runs"`
	Timeouts IPVSTimeouts   `json:"timeouts"`
	Sysctls  map[string]int `json:"sysctls" doc:"by the kernel's name"`
	Reason   string         `json:"reason,omitempty" doc:"why the settings are not as they are asked for, or cannot be read"`
}

// SyncDaemon is a sync daemon of the kernel that runs.
type SyncDaemon struct {
	Interface string     `json:"interface"`
	SyncID    int        `json:"sync_id"`
	Group     netip.Addr `json:"group"`
	Port      int        `json:"port"`
	TTL       int        `json:"ttl"`
	MaxLength int        `json:"max_length"`
}

// Drift is one difference between what a director was asked for and what its kernel holds.
type Drift struct {
	Kind   Kind   `json:"kind" enum:"vrrp_instance,virtual_server,real_server,check_script,ipvs_settings"`
	Name   string `json:"name" doc:"name of the instance or service; empty for the IPVS settings"`
	Server string `json:"server,omitempty" doc:"address:port of the real server"`
	Field  string `json:"field"`
	Actual string `json:"actual"`
	Want   string `json:"want"`
	// Repaired is for a difference that is no more.
	Repaired time.Time `json:"repaired,omitzero" doc:"when it was put right; left out while it is not"`
}

// Problem is an error answer (RFC 9457).
type Problem struct {
	Type   string      `json:"type" doc:"about:blank: the title says it"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail,omitempty"`
	Errors FieldErrors `json:"errors,omitempty"`
}
