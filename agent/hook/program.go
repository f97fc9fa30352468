package hook

import (
	"strconv"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Variables of a hook's program. What does not apply is left out.
const (
	EnvDirector  = "LVS_DIRECTOR"   // name of the director
	EnvRevision  = "LVS_REVISION"   // number of the event: a program that is told twice sees it twice
	EnvTime      = "LVS_TIME"       // when it happened: 2026-11-21T12:22:34.37Z
	EnvType      = "LVS_TYPE"       // state_changed, events_lost
	EnvKind      = "LVS_KIND"       // vrrp_instance, virtual_server, real_server
	EnvName      = "LVS_NAME"       // of the instance or virtual server
	EnvServer    = "LVS_SERVER"     // address:port of the real server
	EnvFrom      = "LVS_FROM"       // state before: backup
	EnvTo        = "LVS_TO"         // state now: active
	EnvPriority  = "LVS_PRIORITY"   // effective priority of the instance
	EnvSyncGroup = "LVS_SYNC_GROUP" // of the instance
	EnvReason    = "LVS_REASON"     // why, in words
	EnvLost      = "LVS_LOST"       // how many notifications before this one were given up
)

// environment is what a program is told by variables, for those that read no JSON.
func environment(n spec.Notification) []string {
	var all []string
	set := func(name, value string) {
		if value != "" {
			all = append(all, name+"="+value)
		}
	}
	e := n.Event
	set(EnvDirector, n.Director)
	set(EnvRevision, strconv.FormatUint(e.Revision, 10))
	set(EnvTime, e.Time.UTC().Format(time.RFC3339Nano))
	set(EnvType, string(e.Type))
	set(EnvKind, string(e.Kind))
	set(EnvName, e.Name)
	set(EnvServer, e.Server)
	if e.State != nil {
		set(EnvFrom, e.State.From)
		set(EnvTo, e.State.To)
		set(EnvPriority, unlessZero(uint64(max(0, e.State.EffectivePriority))))
	}
	set(EnvSyncGroup, n.SyncGroup)
	set(EnvReason, spec.OneLine(e.Reason))
	set(EnvLost, unlessZero(n.Lost))
	return all
}

func unlessZero(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// arguments are those that a program is given after its own. keepalived (2.2.7, as seen) says INSTANCE, its name, the
// state and the priority, and of a sync group GROUP, its name, the state and 0.
func arguments(style spec.HookStyle, n spec.Notification) []string {
	e := n.Event
	if e.State == nil {
		return nil
	}
	switch style {
	case spec.HookKeepalived:
		return []string{"INSTANCE", e.Name, keepalivedState(e.State.To), strconv.Itoa(e.State.EffectivePriority)}
	case spec.HookKeepalivedGroup:
		return []string{"GROUP", n.SyncGroup, keepalivedState(e.State.To), "0"}
	}
	return nil
}

// keepalivedState is keepalived's word for a state. STOP is an instance that takes no part: at the end of
// the agent, and while it hands over on request.
func keepalivedState(state string) string {
	switch spec.InstanceState(state) {
	case spec.InstanceActive:
		return "MASTER"
	case spec.InstanceBackup:
		return "BACKUP"
	case spec.InstanceFault:
		return "FAULT"
	}
	return "STOP"
}
