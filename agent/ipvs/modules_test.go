package ipvs

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestModulesAreThoseThatAreBuiltInAndThoseThatCouldBeLoaded(t *testing.T) {
	t.Parallel()
	const of = "lib/modules/6.1.0/"
	whole := fstest.MapFS{
		of + "modules.builtin": {Data: []byte("kernel/fs/ext4/ext4.ko\nkernel/net/netfilter/ipvs/ip_vs.ko\nkernel/net/netfilter/ipvs/ip_vs_rr.ko\n")},
		of + "modules.dep": {Data: []byte("kernel/net/netfilter/ipvs/ip_vs_pe_sip.ko.xz: kernel/net/netfilter/ipvs/ip_vs_wlc.ko.xz\n" +
			"updates/ip_vs_mh.ko.zst:\nkernel/net/netfilter/ipvs/ip_vs_rr.ko:\n")},
	}
	got := modulesIn(whole, "6.1.0")
	if diff := cmp.Diff(Modules{"mh", "pe_sip", "rr"}, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if got.Has("wlc") || !got.Has("rr") {
		t.Errorf("%q: has wlc %t, rr %t", got, got.Has("wlc"), got.Has("rr"))
	}
}

func TestModulesAreNotKnownWhereAListIsMissing(t *testing.T) {
	t.Parallel()
	const of = "lib/modules/6.1.0/"
	for name, root := range map[string]fstest.MapFS{
		"both":    {},
		"dep":     {of + "modules.builtin": {}},
		"builtin": {of + "modules.dep": {}},
	} {
		if got := modulesIn(root, "6.1.0"); got != nil || !got.Has("rr") {
			t.Errorf("without %s: %q", name, got)
		}
	}
	// Known, and without any.
	none := modulesIn(fstest.MapFS{of + "modules.builtin": {}, of + "modules.dep": {}}, "6.1.0")
	if none == nil || none.Has("rr") {
		t.Errorf("with empty lists: %#v", none)
	}
}
