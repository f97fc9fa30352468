package spec

import (
	"fmt"
	"testing"
	"time"
)

func TestCreationsAreBoundedInNumberAndAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := Desired{}
	with := func(changes []Change) {
		t.Helper()
		var err error
		if d, err = d.With(changes...); err != nil {
			t.Fatal(err)
		}
	}
	with(d.Create(KindCheckScript, "a", "", now))
	if len(d.Creations) != 0 {
		t.Error("one without a key is remembered")
	}
	var many []Change
	for n := range MaxCreations {
		many = append(many, d.Create(KindCheckScript, fmt.Sprint(n), "k", now.Add(time.Duration(n)*time.Millisecond))...)
	}
	with(many)
	last := fmt.Sprint(MaxCreations)
	with(d.Create(KindCheckScript, last, "k", now.Add(MaxCreations*time.Millisecond)))
	if len(d.Creations) != MaxCreations/2+1 {
		t.Errorf("%d are remembered", len(d.Creations))
	}
	for _, tt := range []struct {
		kind     Kind
		name, by string
		at       time.Time
		want     bool
	}{
		{KindCheckScript, last, "k", now, true},
		{KindCheckScript, last, "another", now, false},
		{KindCheckScript, last, "", now, false},
		{KindVRRPInstance, last, "k", now, false},
		{KindCheckScript, "0", "k", now, false},
		{KindCheckScript, last, "k", now.Add(2 * CreationLasts), false},
	} {
		if got := d.CreatedBy(tt.kind, tt.name, tt.by, tt.at); got != tt.want {
			t.Errorf("%v: %t", tt, got)
		}
	}
	with(d.Forget([]Change{{Kind: KindCheckScript, Key: last}, {Kind: KindCheckScript, Key: "never"}}))
	if d.CreatedBy(KindCheckScript, last, "k", now) {
		t.Error("the creator of what was deleted is remembered")
	}
}
