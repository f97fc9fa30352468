package spec

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func serverKey(id string) ServerKey {
	key, err := ParseServerKey(id)
	if err != nil {
		panic(err)
	}
	return key
}

// cluster is a director with an instance, a service with two servers, and a script.
func cluster() Desired {
	d := Desired{Revision: 7}.Clone()
	d.VRRPInstances["web"] = goodInstance()
	d.VirtualServers["web"] = goodService()
	d.RealServers.Put(serverKey("web/192.0.2.22:80"), DefaultRealServer())
	d.RealServers.Put(serverKey("web/192.0.2.21:80"), DefaultRealServer())
	d.CheckScripts["gateway"] = goodScript()
	return d
}

func TestFitVRRPInstance(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		name   string
		change func(*VRRPInstance)
		want   Verdict
	}{
		"the instance itself": {"web", func(*VRRPInstance) {}, Verdict{}},
		"another one": {"mail", func(v *VRRPInstance) {
			v.VirtualRouterID, v.VirtualAddresses = 52, []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24")}
		}, Verdict{}},
		"same id on another interface": {"mail", func(v *VRRPInstance) {
			v.Interface, v.VirtualAddresses = "eth1", []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24")}
		}, Verdict{}},
		"same id on the interface": {"mail", func(v *VRRPInstance) {
			v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24")}
		}, Verdict{Conflicts: one("/virtual_router_id", `51 is used for IPv4 by VRRP instance "web" on eth0: use another id`)}},
		"12 same id in the other family": {"mail", func(v *VRRPInstance) {
			v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("fe80::51/64")}
		}, Verdict{}},
		"same address": {"mail", func(v *VRRPInstance) {
			v.VirtualRouterID = 52
			v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.101/24"), netip.MustParsePrefix("192.0.2.100/32")}
		}, Verdict{Conflicts: one("/virtual_addresses/1", `192.0.2.100 belongs to VRRP instance "web": an address is in one instance only`)}},
		"a service on an address that packets are refused for": {"web", func(v *VRRPInstance) { v.AcceptMode = false },
			Verdict{Conflicts: one("/accept_mode", `virtual server "web" is at 192.0.2.100, where no connection would reach it: leave accept_mode true, as every director of services needs it`)}},
		"the owner takes them in any case": {"web", func(v *VRRPInstance) { v.AcceptMode, v.Priority = false, OwnerPriority }, Verdict{}},
		"tracked script":                   {"web", func(v *VRRPInstance) { v.TrackScripts = map[string]Track{"gateway": {}} }, Verdict{}},
		"tracked scripts that are missing": {"web", func(v *VRRPInstance) {
			v.TrackScripts = map[string]Track{"gateway": {}, "b": {}, "a": {}}
		}, Verdict{Unresolved: FieldErrors{
			{"/track_scripts/a", `check script "a" does not exist on this director: create it first`},
			{"/track_scripts/b", `check script "b" does not exist on this director: create it first`},
		}}},
		"tracked virtual server": {"web", func(v *VRRPInstance) { v.TrackVirtualServers = map[string]Track{"web": {}} }, Verdict{}},
		"tracked virtual server that is missing": {"web", func(v *VRRPInstance) { v.TrackVirtualServers = map[string]Track{"dns": {}} },
			Verdict{Unresolved: one("/track_virtual_servers/dns", `virtual server "dns" does not exist on this director: create it first`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodInstance()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, cluster().FitVRRPInstance(tt.name, v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFitVirtualServerOnAnAddressThatPacketsAreRefusedFor(t *testing.T) {
	t.Parallel()
	d := cluster()
	v := d.VRRPInstances["web"]
	v.AcceptMode = false
	d.VRRPInstances["web"] = v
	want := Verdict{Conflicts: one("/address", `192.0.2.100 belongs to VRRP instance "web", whose accept_mode is false: no connection would reach the service; use another address, or leave accept_mode true`)}
	if diff := cmp.Diff(want, d.FitVirtualServer("web", goodService())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFitVirtualServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		name   string
		change func(*VirtualServer)
		want   Verdict
	}{
		"the service itself":    {"web", func(*VirtualServer) {}, Verdict{}},
		"on another port":       {"mail", func(v *VirtualServer) { v.Port = 25 }, Verdict{}},
		"over another protocol": {"dns", func(v *VirtualServer) { v.Protocol = UDP }, Verdict{}},
		"same address and port": {"other", func(*VirtualServer) {}, Verdict{
			Conflicts: one("/address", `tcp:192.0.2.100:80 is served by virtual server "web": a service has one owner`)}},
		"a port that its servers do not have": {"web", func(v *VirtualServer) { v.Port = 8080 }, Verdict{Conflicts: FieldErrors{
			{"", `real server 192.0.2.21:80 would no longer fit: forwarding_method "dr" keeps the port: use 8080, the service's, or nat`},
			{"", `real server 192.0.2.22:80 would no longer fit: forwarding_method "dr" keeps the port: use 8080, the service's, or nat`},
		}}},
		"a port that its servers need not have": {"web", func(v *VirtualServer) { v.Port, v.ForwardingMethod = 8080, NAT }, Verdict{}},
		"a real server as sorry server": {"web", sorry("192.0.2.22:80", ""), Verdict{Conflicts: one("",
			"real server 192.0.2.22:80 would no longer fit: 192.0.2.22:80 is the service's sorry server: it cannot be one of its real servers, too")}},
		"script": {"web", func(v *VirtualServer) {
			check := DefaultHealthCheck()
			check.Script = &ScriptCheck{Name: "gateway"}
			v.HealthCheck = &check
		}, Verdict{}},
		"script that is missing": {"web", func(v *VirtualServer) {
			check := DefaultHealthCheck()
			check.Script = &ScriptCheck{Name: "db"}
			v.HealthCheck = &check
		}, Verdict{Unresolved: one("/health_check/script/name", `check script "db" does not exist on this director: create it first`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodService()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, cluster().FitVirtualServer(tt.name, v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFitRealServer(t *testing.T) {
	t.Parallel()
	nat := cluster()
	service := nat.VirtualServers["web"]
	service.ForwardingMethod = NAT
	nat.VirtualServers["web"] = service
	for name, tt := range map[string]struct {
		in     Desired
		id     string
		server RealServer
		want   Verdict
	}{
		"good":                 {cluster(), "web/192.0.2.23:80", RealServer{}, Verdict{}},
		"another port":         {cluster(), "web/192.0.2.23:8080", RealServer{}, Verdict{Conflicts: one("/port", `forwarding_method "dr" keeps the port: use 80, the service's, or nat`)}},
		"another port, by NAT": {nat, "web/192.0.2.23:8080", RealServer{}, Verdict{}},
		"another family": {nat, "web/[2001:db8::1]:80", RealServer{}, Verdict{Conflicts: one("/address",
			"2001:db8::1 is not IPv4, as the service is: use a server of that family, or the forwarding method tunnel")}},
		"script that is missing": {cluster(), "web/192.0.2.23:80", RealServer{HealthCheck: &HealthCheck{Script: &ScriptCheck{Name: "db"}}}, Verdict{
			Unresolved: one("/health_check/script/name", `check script "db" does not exist on this director: create it first`)}},
		"service that is missing": {cluster(), "mail/192.0.2.23:80", RealServer{}, Verdict{Unresolved: one("/virtual_server",
			`virtual server "mail" does not exist on this director: create it first`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.in.FitRealServer(serverKey(tt.id), tt.server)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithLeavesTheReceiverAsItWas(t *testing.T) {
	t.Parallel()
	before := cluster()
	after, err := before.With(
		Change{Kind: KindVRRPInstance, Key: "web"},
		Change{Kind: KindVirtualServer, Key: "mail", Value: goodService()},
		Change{Kind: KindRealServer, Key: "web/192.0.2.21:80", Value: RealServer{Weight: 9}},
		Change{Kind: KindRealServer, Key: "web/192.0.2.22:80"},
		Change{Kind: KindRealServer, Key: "web/192.0.2.99:80"}, // is not there, and stays away
		Change{Kind: KindCheckScript, Key: "b", Value: goodScript()},
	)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cluster(), before, netipTypes); diff != "" {
		t.Errorf("the receiver (-want +got):\n%s", diff)
	}
	want := cluster()
	delete(want.VRRPInstances, "web")
	want.VirtualServers["mail"] = goodService()
	want.RealServers.Delete(serverKey("web/192.0.2.22:80"))
	want.RealServers.Put(serverKey("web/192.0.2.21:80"), RealServer{Weight: 9})
	want.CheckScripts["b"] = goodScript()
	if diff := cmp.Diff(want, after, netipTypes); diff != "" {
		t.Errorf("the result (-want +got):\n%s", diff)
	}
}

func TestWithRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []Change{
		{Kind: "router", Key: "web"},
		{Kind: KindVirtualServer, Key: "web", Value: RealServer{}},
		{Kind: KindRealServer, Key: "192.0.2.21:80", Value: RealServer{}},
	} {
		if after, err := cluster().With(c); err == nil || after.VirtualServers != nil {
			t.Errorf("%+v: %+v, %v", c, after, err)
		}
	}
}

func TestServersOfAServiceAreInOrder(t *testing.T) {
	t.Parallel()
	d := cluster()
	d.RealServers.Put(serverKey("web/192.0.2.3:80"), DefaultRealServer())
	d.RealServers.Put(serverKey("mail/192.0.2.1:25"), DefaultRealServer())
	want := []ServerKey{serverKey("web/192.0.2.3:80"), serverKey("web/192.0.2.21:80"), serverKey("web/192.0.2.22:80")}
	if diff := cmp.Diff(want, d.ServersOf("web"), netipTypes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
