package balance

import (
	"maps"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// task is what a pass is asked for. The zero task asks for no more than to look after what drains.
type task struct {
	// whole compares the whole table with what is wanted. Otherwise only services are read of which
	// something else is wanted than before, and those in which changes are to be undone.
	whole bool
	// about is where what is wanted may be something else than before.
	about scope
	// undo is where to undo what somebody else has changed also under the policy Report.
	undo scope
	// again is where the last attempt failed.
	again scope
}

// add has the task ask for what another one does, too.
func (t *task) add(other task) {
	t.whole = t.whole || other.whole
	t.about.add(other.about)
	t.undo.add(other.undo)
	t.again.add(other.again)
}

// touched returns what a pass has to look at that does not compare the whole table: services of which
// something else is wanted than before, in full or in part, those in which changes are to be undone, and those that failed.
func (t task) touched(before, want ipvs.Table, names map[ipvs.ServiceKey]string) []ipvs.ServiceKey {
	keys := map[ipvs.ServiceKey]bool{}
	for key, service := range want {
		if was, known := before[key]; !known || !was.Equal(service) || t.undo.has(names[key]) || t.again.has(names[key]) {
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
