package vrrp

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
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
	for _, o := range oddities() {
		if o.remedy() == "" {
			t.Errorf("nobody is told how to mend %s", o)
		}
	}
	var counts oddityCounts
	counts.add(OddVersion)
	counts.add(oddityOf(DropTTL))
	if diff := cmp.Diff(map[string]uint64{"version": 1}, counts.counts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A router that has its checksums cover a pseudo-header may drop ours, unless we send the same.
func TestOddity_9_TheOlderChecksumIsWarnedOfUnlessWeSendItToo(t *testing.T) {
	t.Parallel()
	advert := appendDatagram(nil, addr("192.0.2.12"), group(spec.IPv4), 255, samplePacket(), ChecksumPseudoHeader)
	for compatibility, warns := range map[spec.ChecksumCompatibility]bool{spec.ChecksumRFC9568: true, spec.ChecksumRFC5798: false} {
		r := wired("192.0.2.11", func(v *spec.VRRPInstance) { v.ChecksumCompatibility = compatibility })
		<-r.notes // that it became backup
		r.receive(second, advert)
		if got := r.router.oddities.counts()[string(OddChecksum)]; got != 1 {
			t.Errorf("%s: counted %d times", compatibility, got)
		}
		said := <-r.notes
		told := said.level == slog.LevelWarn && strings.Contains(fmt.Sprint(said.attrs), "rfc5798")
		shown := slices.ContainsFunc(r.router.oddities.warnings(2*second), func(w string) bool {
			return strings.Contains(w, `set checksum_compatibility = "rfc5798"`)
		})
		if told != warns || shown != warns {
			t.Errorf("%s: logged %s %v, shown: %t", compatibility, said.level, said.attrs, shown)
		}
		if got := r.router.oddities.warnings(second + warnedOf); got != nil {
			t.Errorf("%s: still shown when it is over: %q", compatibility, got)
		}
	}
}
