package ipvs

import (
	"testing"
	"testing/fstest"
	"time"

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

func TestModulesAreReadAgainWhenTheirListsAreWrittenAnew(t *testing.T) {
	t.Parallel()
	const list = "lib/modules/6.1.0/modules.dep"
	root := fstest.MapFS{"lib/modules/6.1.0/modules.builtin": {}}
	var local LocalModules
	if got := local.in(root, "6.1.0"); got != nil {
		t.Errorf("without a list: %q", got)
	}
	const rr, both = "ipvs/ip_vs_rr.ko:\n", "ipvs/ip_vs_rr.ko:\nipvs/ip_vs_mh.ko:\n"
	for _, step := range []struct {
		list string
		at   int64
		want Modules
	}{{rr, 1, Modules{"rr"}}, {both, 1, Modules{"rr"}}, {both, 2, Modules{"mh", "rr"}}} {
		root[list] = &fstest.MapFile{Data: []byte(step.list), ModTime: time.Unix(step.at, 0)}
		if diff := cmp.Diff(step.want, local.in(root, "6.1.0")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", step, diff)
		}
	}
	delete(root, list)
	if got := local.in(root, "6.1.0"); got != nil {
		t.Errorf("when the list is gone: %q", got)
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
