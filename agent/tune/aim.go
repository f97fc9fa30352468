package tune

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Role is what a VRRP instance is to connection sync.
type Role int

// The roles. While an instance has not begun yet, nobody knows.
const (
	RoleUnknown Role = iota
	RoleActive
	RoleOther
)

// settings are what there is on a machine, or what there should be.
type settings struct {
	numbers numbers
	daemons daemons
}

// daemons are the sync daemons; nil is one that does not run.
type daemons struct{ master, backup *ipvs.SyncDaemon }

// slots returns both in order, to be gone through beside those of another.
func (d daemons) slots() [2]*ipvs.SyncDaemon { return [2]*ipvs.SyncDaemon{d.master, d.backup} }

// aim returns what to have. What is asked for no more becomes what it was before; daemons that are nobody's
// here stay as they are.
func aim(v *spec.IPVSSettings, before formers, role Role, now settings) settings {
	want := settings{numbers: before.numbers(), daemons: now.daemons}
	for f, value := range asked(v) {
		want.numbers[f] = value
	}
	switch {
	case v != nil && v.ConnectionSync != nil:
		want.daemons = syncDaemons(*v.ConnectionSync, role, now.daemons)
	case before.synced():
		want.daemons = daemons{}
	}
	return want
}

// syncDaemons returns the daemons of connection sync. As long as the role that is followed is not known, what
// runs goes on: an agent that restarts on an active director must not make it a backup for a moment.
func syncDaemons(v spec.ConnectionSync, role Role, now daemons) daemons {
	daemon := func(state ipvs.SyncState) *ipvs.SyncDaemon {
		return &ipvs.SyncDaemon{
			State: state, Interface: v.Interface, ID: uint8(v.SyncID),
			Group: v.Group, Port: uint16(v.Port), TTL: uint8(v.TTL), MaxLength: uint16(v.MaxLength),
		}
	}
	both := daemons{master: daemon(ipvs.SyncMaster), backup: daemon(ipvs.SyncBackup)}
	switch {
	case v.Follow == "":
	case role == RoleActive, role == RoleUnknown && now.master != nil && now.backup == nil:
		both.backup = nil
	default:
		both.master = nil
	}
	return both
}

// hold returns what to write when what somebody else changed is to be left: want, except that what we have
// not changed since base, what was last wanted, stays as it is now.
func hold(base *settings, now, want settings) settings {
	if base == nil {
		return want
	}
	held := settings{numbers: numbers{}, daemons: want.daemons}
	for f, value := range want.numbers {
		if was, known := base.numbers[f]; !known || was != value {
			held.numbers[f] = value
		}
	}
	held.daemons.master = holdDaemon(base.daemons.master, now.daemons.master, want.daemons.master)
	held.daemons.backup = holdDaemon(base.daemons.backup, now.daemons.backup, want.daemons.backup)
	return held
}

// halfway returns what counts as what was last wanted when not all that is wanted could be written: what is so, and
// otherwise what was wanted before.
func halfway(base *settings, now, want settings) *settings {
	if base == nil {
		base = &settings{}
	}
	settled := settings{numbers: numbers{}, daemons: base.daemons}
	for f, value := range want.numbers {
		was, known := base.numbers[f]
		if is, there := now.numbers[f]; there && is == value {
			was, known = value, true
		}
		if known {
			settled.numbers[f] = was
		}
	}
	if satisfied(now.daemons.master, want.daemons.master) {
		settled.daemons.master = want.daemons.master
	}
	if satisfied(now.daemons.backup, want.daemons.backup) {
		settled.daemons.backup = want.daemons.backup
	}
	return &settled
}

func holdDaemon(base, now, want *ipvs.SyncDaemon) *ipvs.SyncDaemon {
	if same(base, want) && !satisfied(now, want) {
		return now
	}
	return want
}

func same(a, b *ipvs.SyncDaemon) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// satisfied reports whether a daemon runs, or does not, as is wanted.
func satisfied(is, want *ipvs.SyncDaemon) bool {
	if is == nil || want == nil {
		return is == nil && want == nil
	}
	return is.Satisfies(*want)
}
