package vrrp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMailbox_HoldsTheLastOfEachSender(t *testing.T) {
	t.Parallel()
	said := func(sender int, priority uint8) heard {
		return heard{Advert{Source: addr(fmt.Sprintf("192.0.2.%d", sender)), Priority: priority, Interval: time.Second}, time.Hour}
	}
	var m mailbox
	for _, a := range []heard{said(1, 100), said(2, 150), said(3, 1), said(1, 0), said(3, 2), said(3, 3)} {
		if !m.put(a) {
			t.Fatalf("no room for %+v", a)
		}
	}
	want := []heard{said(2, 150), said(1, 0), said(3, 3)}
	if diff := cmp.Diff(want, m.adverts[:m.n], cmpopts.EquateComparable(heard{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for sender := m.n + 1; sender <= mailboxSize; sender++ {
		m.put(said(sender, 100))
	}
	if m.put(said(mailboxSize+1, 100)) {
		t.Error("there was room for one sender too many")
	}
	if !m.put(said(1, 100)) {
		t.Error("there was no room for a sender who is in it")
	}
}
