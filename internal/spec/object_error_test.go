package spec

import (
	"errors"
	"fmt"
	"testing"
)

func TestConcerningKeepsAnObjectsOwnFailuresAndEverybodys(t *testing.T) {
	t.Parallel()
	mine := &ObjectError{Kind: KindVirtualServer, Name: "web", Err: errors.New("no such scheduler")}
	others := &ObjectError{Kind: KindVirtualServer, Name: "mail", Err: errors.New("no such scheduler")}
	namesake := &ObjectError{Kind: KindVRRPInstance, Name: "web", Err: errors.New("taken")}
	everybodys := errors.New("netlink is out of order")
	err := errors.Join(errors.Join(others, fmt.Errorf("apply: %w", mine)), namesake, everybodys)

	got := Concerning(err, KindVirtualServer, "web")
	for e, want := range map[error]bool{mine: true, others: false, namesake: false, everybodys: true} {
		if errors.Is(got, e) != want {
			t.Errorf("%v is in %v: %t, want %t", e, got, !want, want)
		}
	}
	if got := Concerning(errors.Join(others, namesake), KindVirtualServer, "web"); got != nil {
		t.Errorf("of other objects' failures %v is left, want nothing", got)
	}
	if got := Concerning(nil, KindVirtualServer, "web"); got != nil {
		t.Errorf("of no failure %v is left", got)
	}
}
