package vrrp

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestNotes_EventsThatFindTheQueueFullAreSaidToBeLost(t *testing.T) {
	t.Parallel()
	var got []spec.Event
	e := NewEngine(Config{Publish: func(events ...spec.Event) { got = append(got, events...) }})
	queue, log := make(chan note, 1), slog.New(slog.DiscardHandler)
	ns := newNotes(queue)
	ns.note(note{log: log, events: []spec.Event{{Name: "told"}}})
	ns.note(note{log: log, events: []spec.Event{{}, {}}})
	ns.note(note{log: log}) // a line alone is no loss
	close(queue)
	e.write(queue, &loop{notes: ns})
	want := []spec.Event{{Name: "told"},
		{Type: spec.EventLost, Kind: spec.KindVRRPInstance, Reason: "2 events of VRRP instances came faster than they could be told"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}
