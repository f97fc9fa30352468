package link_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
)

func TestFactsHaveTheKernelAndTheLoopbackInterface(t *testing.T) {
	t.Parallel()
	facts, err := link.Facts()
	if err != nil {
		t.Fatal(err)
	}
	lo, there := facts.Interfaces["lo"]
	if facts.KernelRelease == "" || !there || lo.Up && !slices.Contains(lo.Addresses, netip.MustParsePrefix("127.0.0.1/8")) {
		t.Errorf("%+v", facts)
	}
}
