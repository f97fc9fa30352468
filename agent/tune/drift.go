package tune

import (
	"strconv"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// differences names, in order, in what the machine is not as wanted. What the machine does not have cannot
// differ.
func differences(now, want settings) []spec.Drift {
	found := []spec.Drift{}
	add := func(field, actual, want string) {
		if actual != want {
			found = append(found, spec.Drift{Kind: spec.KindIPVSSettings, Name: spec.IPVSSettingsKey, Field: field, Actual: actual, Want: want})
		}
	}
	for i, is := range now.daemons.slots() {
		want := want.daemons.slots()[i]
		at := string(fieldSync) + "." + [2]ipvs.SyncState{ipvs.SyncMaster, ipvs.SyncBackup}[i].String()
		if is == nil || want == nil {
			add(at, running(is), running(want))
			continue
		}
		number := func(name string, actual, want int) { add(at+"."+name, strconv.Itoa(actual), strconv.Itoa(want)) }
		add(at+".interface", is.Interface, want.Interface)
		number("sync_id", int(is.ID), int(want.ID))
		add(at+".group", is.Group.String(), want.Group.String())
		number("port", int(is.Port), int(want.Port))
		number("ttl", int(is.TTL), int(want.TTL))
		if want.MaxLength != 0 {
			number("max_length", int(is.MaxLength), int(want.MaxLength))
		}
	}
	for _, f := range want.numbers.fields() {
		if value, there := now.numbers[f]; there {
			add(string(f), f.text(value), f.text(want.numbers[f]))
		}
	}
	return found
}

func running(d *ipvs.SyncDaemon) string {
	if d == nil {
		return "stopped"
	}
	return "running"
}
