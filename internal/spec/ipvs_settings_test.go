package spec

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func syncOn(iface string) IPVSSettings {
	v := DefaultConnectionSync()
	v.Interface = iface
	return IPVSSettings{ConnectionSync: &v}
}

func TestValidateIPVSSettings(t *testing.T) {
	t.Parallel()
	lasting := func(d time.Duration) IPVSSettings {
		v := Duration(d)
		return IPVSSettings{Timeouts: &IPVSTimeouts{TCP: &v}}
	}
	syncWith := func(change func(*ConnectionSync)) IPVSSettings {
		v := syncOn("eth0")
		change(v.ConnectionSync)
		return v
	}
	for name, tt := range map[string]struct {
		settings IPVSSettings
		want     FieldErrors
	}{
		"nothing":         {IPVSSettings{}, nil},
		"connection sync": {syncOn("eth0"), nil},
		"IPv6 group":      {syncWith(func(v *ConnectionSync) { v.Group = netip.MustParseAddr("ff02::81") }), nil},
		"most of everything": {syncWith(func(v *ConnectionSync) {
			v.Follow, v.SyncID, v.Port, v.TTL, v.MaxLength = "web", 255, 65535, 255, 65487
		}), nil},
		"no interface":                {syncOn(""), one("/connection_sync/interface", "an interface is needed, such as eth0")},
		"interface with a slash":      {syncOn("eth/0"), one("/connection_sync/interface", `"eth/0" is not the name of a network interface: at most 15 letters, digits, '_', '.', '-'`)},
		"follow what has no name":     {syncWith(func(v *ConnectionSync) { v.Follow = "We b" }), one("/connection_sync/follow", `"We b" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`)},
		"id above 255":                {syncWith(func(v *ConnectionSync) { v.SyncID = 256 }), one("/connection_sync/sync_id", "256 is out of range: use 0 to 255")},
		"group that is one machine":   {syncWith(func(v *ConnectionSync) { v.Group = netip.MustParseAddr("192.0.2.1") }), one("/connection_sync/group", "192.0.2.1 is not a multicast address: use 224.0.0.81, or leave group out")},
		"group with a zone":           {syncWith(func(v *ConnectionSync) { v.Group = netip.MustParseAddr("ff02::81%eth0") }), one("/connection_sync/group", "ff02::81%eth0: a group has no zone, and an IPv4 one is written as IPv4")},
		"port 0":                      {syncWith(func(v *ConnectionSync) { v.Port = 0 }), one("/connection_sync/port", "0 is out of range: use 1 to 65535")},
		"TTL 0":                       {syncWith(func(v *ConnectionSync) { v.TTL = 0 }), one("/connection_sync/ttl", "0 is out of range: use 1 to 255")},
		"messages that are too short": {syncWith(func(v *ConnectionSync) { v.MaxLength = 1023 }), one("/connection_sync/max_length", "1023 is out of range: use 1024 to 65487")},
		"a second":                    {lasting(time.Second), nil},
		"24 days":                     {lasting(576 * time.Hour), nil},
		"no time":                     {lasting(0), one("/timeouts/tcp", "0s is out of range: use 1s to 576h0m0s")},
		"half a second":               {lasting(500 * time.Millisecond), one("/timeouts/tcp", "500ms is out of range: use 1s to 576h0m0s")},
		"a second and a half":         {lasting(1500 * time.Millisecond), one("/timeouts/tcp", "1.5s is not a number of whole seconds: use 2s")},
		"too long":                    {lasting(576*time.Hour + time.Second), one("/timeouts/tcp", "576h0m1s is out of range: use 1s to 576h0m0s")},
		"mode 3":                      {IPVSSettings{Sysctls: &IPVSSysctls{ConnReuseMode: new(3)}}, nil},
		"mode 4":                      {IPVSSettings{Sysctls: &IPVSSysctls{ConnReuseMode: new(4)}}, one("/sysctls/conn_reuse_mode", "4 is out of range: use 0 to 3")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.settings.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestConnectionSyncFollowsAnInstanceThatExists(t *testing.T) {
	t.Parallel()
	v := syncOn("eth0")
	v.ConnectionSync.Follow = "web"
	if diff := cmp.Diff(Verdict{}, cluster().FitIPVSSettings(v)); diff != "" {
		t.Errorf("following web (-want +got):\n%s", diff)
	}
	v.ConnectionSync.Follow = "mail"
	want := Verdict{Unresolved: one("/connection_sync/follow", `VRRP instance "mail" does not exist on this director: create it first`)}
	if diff := cmp.Diff(want, cluster().FitIPVSSettings(v)); diff != "" {
		t.Errorf("following mail (-want +got):\n%s", diff)
	}
}

func TestConnectionSyncExcludesServersOfAnotherFamily(t *testing.T) {
	t.Parallel()
	mixed := cluster()
	mixed.RealServers.Put(serverKey("web/[2001:db8::21]:80"), DefaultRealServer())
	want := Verdict{Conflicts: one("/connection_sync",
		"real server web/[2001:db8::21]:80 is of another family than its virtual server: the kernel has no connection sync beside such servers; remove one of them")}
	if diff := cmp.Diff(want, mixed.FitIPVSSettings(syncOn("eth0"))); diff != "" {
		t.Errorf("sync beside the server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Verdict{}, mixed.FitIPVSSettings(IPVSSettings{})); diff != "" {
		t.Errorf("other settings beside the server (-want +got):\n%s", diff)
	}

	synced := cluster()
	settings := syncOn("eth0")
	synced.IPVSSettings = &settings
	const detail = "2001:db8::21 is of another family than its virtual server: the kernel has no such servers beside connection sync (ipvs settings); remove one of them"
	found := false
	for _, e := range synced.FitRealServer(serverKey("web/[2001:db8::21]:80"), RealServer{ForwardingMethod: Tunnel}).Conflicts {
		found = found || e == FieldError{Pointer: "/address", Detail: detail}
	}
	if !found {
		t.Error("a server of another family is let in beside connection sync")
	}
	if diff := cmp.Diff(Verdict{}, synced.FitRealServer(serverKey("web/192.0.2.23:80"), RealServer{ForwardingMethod: Tunnel})); diff != "" {
		t.Errorf("a server of the family beside sync (-want +got):\n%s", diff)
	}
}

func TestIPVSSettingsAreOneObject(t *testing.T) {
	t.Parallel()
	put := Change{Kind: KindIPVSSettings, Key: IPVSSettingsKey, Value: syncOn("eth0")}
	after, err := cluster().With(put)
	if err != nil || after.IPVSSettings == nil || after.IPVSSettings.ConnectionSync.Interface != "eth0" {
		t.Fatalf("after putting them: %+v, %v", after.IPVSSettings, err)
	}
	gone, err := after.With(Change{Kind: KindIPVSSettings, Key: IPVSSettingsKey})
	if err != nil || gone.IPVSSettings != nil || after.IPVSSettings == nil {
		t.Errorf("after deleting them: %+v, before %+v, %v", gone.IPVSSettings, after.IPVSSettings, err)
	}
}

func TestConnectionSyncExcludesASorryServerOfAnotherFamily(t *testing.T) {
	t.Parallel()
	sorry := goodService()
	sorry.SorryServer = &SorryServer{Address: netip.MustParseAddr("2001:db8::9"), Port: 80, ForwardingMethod: Tunnel}
	synced := cluster()
	settings := syncOn("eth0")
	synced.IPVSSettings = &settings
	want := Verdict{Conflicts: one("/sorry_server/address",
		"2001:db8::9 is of another family than its virtual server: the kernel has no such servers beside connection sync (ipvs settings); remove one of them")}
	if diff := cmp.Diff(want, synced.FitVirtualServer("web", sorry)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	mixed := cluster()
	mixed.VirtualServers["web"] = sorry
	want = Verdict{Conflicts: one("/connection_sync",
		"the sorry server of web is of another family than its virtual server: the kernel has no connection sync beside such servers; remove one of them")}
	if diff := cmp.Diff(want, mixed.FitIPVSSettings(settings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
