package balance

import (
	"maps"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// task is what a pass is asked for beside writing what is wanted differently from before, which every
// pass does. The zero task asks for nothing.
type task struct {
	// whole compares the whole table with what is wanted. Otherwise only services are read of which
	// something else is wanted than before, and those that are named.
	whole bool
	// undo undoes what somebody else has changed also under the policy Report: everywhere, or in the
	// services of these names.
	undo      bool
	undoNamed map[string]bool
}

// with returns a task that asks for what either does.
func (t task) with(other task) task {
	named := maps.Clone(t.undoNamed)
	if named == nil {
		named = map[string]bool{}
	}
	maps.Copy(named, other.undoNamed)
	return task{whole: t.whole || other.whole, undo: t.undo || other.undo, undoNamed: named}
}

// undoes reports whether somebody else's change of that service is to be undone.
func (t task) undoes(name string) bool { return t.undo || t.undoNamed[name] }

// touched returns what a pass has to look at that does not compare the whole table: services of which
// something else is wanted than before, in full or in part, and those that are named.
func (t task) touched(before, want ipvs.Table, names map[ipvs.ServiceKey]string) []ipvs.ServiceKey {
	keys := map[ipvs.ServiceKey]bool{}
	for key, service := range want {
		if was, known := before[key]; !known || !was.Equal(service) || t.undoNamed[names[key]] {
			keys[key] = true
		}
	}
	for key := range before {
		if _, wanted := want[key]; !wanted {
			keys[key] = true
		}
	}
	return slices.SortedFunc(maps.Keys(keys), ipvs.ServiceKey.Compare)
}

// namesOf returns the names of services by what the kernel knows them by.
func namesOf(desired spec.Desired) map[ipvs.ServiceKey]string {
	names := make(map[ipvs.ServiceKey]string, len(desired.VirtualServers))
	for name, v := range desired.VirtualServers {
		names[serviceKey(v)] = name
	}
	return names
}
