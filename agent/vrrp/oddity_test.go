package vrrp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOddity_DropsThatShowAMisconfigurationCountAsOne(t *testing.T) {
	t.Parallel()
	got := map[DropReason]Oddity{}
	for _, reason := range dropReasons() {
		if o := oddityOf(reason); o != "" {
			got[reason] = o
		}
	}
	want := map[DropReason]Oddity{
		DropVersion: OddVersion, DropAuthentication: OddAuthentication, DropInterval: OddInterval, DropOwner: OddOwner,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var counts oddityCounts
	counts.add(OddVersion)
	counts.add(oddityOf(DropTTL))
	if diff := cmp.Diff(map[string]uint64{"version": 1}, counts.counts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
