package spec

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func goodInstance() VRRPInstance {
	v := DefaultVRRPInstance()
	v.VirtualRouterID = 51
	v.Interface = "eth0"
	v.VirtualAddresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")}
	return v
}

func goodService() VirtualServer {
	v := DefaultVirtualServer()
	v.Address = netip.MustParseAddr("192.0.2.100")
	v.Port = 80
	v.ForwardingMethod = DirectRouting
	return v
}

func goodCheck() HealthCheck {
	v := DefaultHealthCheck()
	v.TCP = &TCPCheck{}
	return v
}

func goodScript() CheckScript {
	return CheckScript{
		Command:  []string{"/etc/lvs-agent/scripts/ping-gateway", "192.0.2.1"},
		Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 2, Fall: 3,
	}
}

// one is a single problem.
func one(pointer, detail string) FieldErrors { return FieldErrors{{Pointer: pointer, Detail: detail}} }

func TestValidateVRRPInstance(t *testing.T) {
	t.Parallel()
	prefixes := func(list ...string) (all []netip.Prefix) {
		for _, s := range list {
			all = append(all, netip.MustParsePrefix(s))
		}
		return all
	}
	many := func(n int) (all []netip.Prefix) {
		for i := range n {
			all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 8))
		}
		return all
	}
	for name, tt := range map[string]struct {
		change func(*VRRPInstance)
		want   FieldErrors
	}{
		"good": {func(*VRRPInstance) {}, nil},
		"lowest values": {func(v *VRRPInstance) {
			v.VirtualRouterID, v.Priority, v.AdvertisementInterval = 1, 1, Duration(10*time.Millisecond)
		}, nil},
		"highest values": {func(v *VRRPInstance) {
			v.VirtualRouterID, v.Priority, v.AdvertisementInterval, v.PreemptDelay = 255, 255, Duration(40950*time.Millisecond), Duration(1000*time.Second)
		}, nil},
		"as many addresses as fit": {func(v *VRRPInstance) { v.VirtualAddresses = many(255) }, nil},
		"host's own prefix length": {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("192.0.2.1/32") }, nil},
		"VLAN interface":           {func(v *VRRPInstance) { v.Interface = "bond0.4094" }, nil},
		"tracked scripts": {func(v *VRRPInstance) {
			v.TrackScripts = map[string]Track{"a": {}, "b": {Weight: 253}, "c": {Weight: -253}}
		}, nil},

		"35 router id 0":   {func(v *VRRPInstance) { v.VirtualRouterID = 0 }, one("/virtual_router_id", "0 is out of range: use 1 to 255")},
		"35 router id 256": {func(v *VRRPInstance) { v.VirtualRouterID = 256 }, one("/virtual_router_id", "256 is out of range: use 1 to 255")},
		"35 priority 0":    {func(v *VRRPInstance) { v.Priority = 0 }, one("/priority", "0 is out of range: use 1 to 255")},
		"35 priority 256":  {func(v *VRRPInstance) { v.Priority = 256 }, one("/priority", "256 is out of range: use 1 to 255")},
		"negative delay":   {func(v *VRRPInstance) { v.PreemptDelay = -1 }, one("/preempt_delay", "-1ns is out of range: use 0s to 16m40s")},
		"delay too long":   {func(v *VRRPInstance) { v.PreemptDelay = Duration(1001 * time.Second) }, one("/preempt_delay", "16m41s is out of range: use 0s to 16m40s")},
		"delay of nothing": {func(v *VRRPInstance) { v.Preempt, v.PreemptDelay = false, Duration(time.Second) }, one("/preempt_delay",
			"preempt is false, so there is nothing to delay: remove one of them")},
		"no interface":          {func(v *VRRPInstance) { v.Interface = "" }, one("/interface", "an interface is needed, such as eth0")},
		"interface too long":    {func(v *VRRPInstance) { v.Interface = "interface0123456" }, one("/interface", `"interface0123456" is not the name of a network interface: at most 15 letters, digits, '_', '.', '-'`)},
		"interface with a path": {func(v *VRRPInstance) { v.Interface = "../eth0" }, one("/interface", `"../eth0" is not the name of a network interface: at most 15 letters, digits, '_', '.', '-'`)},
		"interface of two lines": {func(v *VRRPInstance) { v.Interface = "eth0\n" }, one("/interface",
			`"eth0\n" is not the name of a network interface: at most 15 letters, digits, '_', '.', '-'`)},
		"interval 0":         {func(v *VRRPInstance) { v.AdvertisementInterval = 0 }, one("/advertisement_interval", "0s is out of range: use 10ms to 40.95s")},
		"interval too long":  {func(v *VRRPInstance) { v.AdvertisementInterval = Duration(40960 * time.Millisecond) }, one("/advertisement_interval", "40.96s is out of range: use 10ms to 40.95s")},
		"interval in pieces": {func(v *VRRPInstance) { v.AdvertisementInterval = Duration(15 * time.Millisecond) }, one("/advertisement_interval", "15ms is not a multiple of 10ms, the unit of VRRP version 3")},
		"no address":         {func(v *VRRPInstance) { v.VirtualAddresses = nil }, one("/virtual_addresses", "at least one virtual address is needed, such as 192.0.2.100/24")},
		"too many addresses": {func(v *VRRPInstance) { v.VirtualAddresses = many(256) }, one("/virtual_addresses", "256 addresses do not fit into an advert: at most 255")},
		"address twice":      {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("192.0.2.1/24", "192.0.2.2/24", "192.0.2.1/32") }, one("/virtual_addresses/2", "192.0.2.1 stands in the list twice: remove one")},
		"IPv4 inside IPv6":   {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("::ffff:192.0.2.1/120") }, one("/virtual_addresses/0", "::ffff:192.0.2.1 is IPv4 inside IPv6: write 192.0.2.1")},
		"multicast":          {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("192.0.2.1/24", "224.0.0.18/32") }, one("/virtual_addresses/1", "224.0.0.18 is not the address of one machine: use a unicast address")},
		"broadcast":          {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("255.255.255.255/32") }, one("/virtual_addresses/0", "255.255.255.255 is not the address of one machine: use a unicast address")},
		"unspecified":        {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("0.0.0.0/24") }, one("/virtual_addresses/0", "0.0.0.0 is not the address of one machine: use a unicast address")},
		"loopback":           {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("127.0.0.2/8") }, one("/virtual_addresses/0", "127.0.0.2/8 is a loopback address: it cannot move between directors")},
		"no prefix length":   {func(v *VRRPInstance) { v.VirtualAddresses = prefixes("192.0.2.1/0") }, one("/virtual_addresses/0", "192.0.2.1/0 has no prefix length that an address could have: use the subnet's, or /32")},
		"zero address":       {func(v *VRRPInstance) { v.VirtualAddresses = []netip.Prefix{{}} }, one("/virtual_addresses/0", "an address is needed")},
		"weights and names, in order": {func(v *VRRPInstance) {
			v.TrackScripts = map[string]Track{"a": {Weight: 254}, "b": {Weight: -254}, "C/d": {}}
		}, FieldErrors{
			{"/track_scripts/C~1d", `"C/d" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`},
			{"/track_scripts/a/weight", "254 is out of range: use -253 to 253"},
			{"/track_scripts/b/weight", "-254 is out of range: use -253 to 253"},
		}},
		"sync group": {func(v *VRRPInstance) { v.SyncGroup = "nat" }, nil},
		"sync group without a name": {func(v *VRRPInstance) { v.SyncGroup = "N A T" }, one("/sync_group",
			`"N A T" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`)},
		"everything may be tracked": {func(v *VRRPInstance) {
			v.TrackInterfaces = map[string]Track{"eth1": {}, "bond0.7": {Weight: -253, Inverse: true}}
			v.TrackVirtualServers = map[string]Track{"web": {Weight: 253}}
		}, nil},
		"weights and names of all that is tracked": {func(v *VRRPInstance) {
			v.TrackInterfaces = map[string]Track{"eth1": {Weight: 300}, "a/b": {}}
			v.TrackVirtualServers = map[string]Track{"Web": {Weight: -300}}
		}, FieldErrors{
			{"/track_interfaces/a~1b", `"a/b" is not the name of a network interface: at most 15 letters, digits, '_', '.', '-'`},
			{"/track_interfaces/eth1/weight", "300 is out of range: use -253 to 253"},
			{"/track_virtual_servers/Web", `"Web" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`},
			{"/track_virtual_servers/Web/weight", "-300 is out of range: use -253 to 253"},
		}},
		"nothing at all": {func(v *VRRPInstance) { *v = VRRPInstance{} }, FieldErrors{
			{"/virtual_router_id", "0 is out of range: use 1 to 255"},
			{"/priority", "0 is out of range: use 1 to 255"},
			{"/interface", "an interface is needed, such as eth0"},
			{"/version", "0 is not known: use 2 or 3, one for an instance: none speaks both"},
			{"/advertisement_interval", "0s is out of range: use 10ms to 40.95s"},
			{"/checksum_compatibility", "a value is needed: one of rfc9568, rfc5798"},
			{"/virtual_addresses", "at least one virtual address is needed, such as 192.0.2.100/24"},
			{"/unicast_ttl", "0 is out of range: use 1 to 255"},
			{"/garp/refresh_repeat", "0 is out of range: use 1 to 100"},
			{"/garp/rate", "0 is out of range: use 1 to 100000"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodInstance()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateVirtualServer(t *testing.T) {
	t.Parallel()
	address := func(s string) func(*VirtualServer) {
		return func(v *VirtualServer) { v.Address = netip.MustParseAddr(s) }
	}
	for name, tt := range map[string]struct {
		change func(*VirtualServer)
		want   FieldErrors
	}{
		"good":            {func(*VirtualServer) {}, nil},
		"IPv6":            {address("2001:db8::100"), nil},
		"lowest port":     {func(v *VirtualServer) { v.Port = 1 }, nil},
		"highest port":    {func(v *VirtualServer) { v.Port = 65535 }, nil},
		"good check":      {func(v *VirtualServer) { check := goodCheck(); v.HealthCheck = &check }, nil},
		"no address":      {func(v *VirtualServer) { v.Address = netip.Addr{} }, one("/address", "an address is needed, or a firewall mark")},
		"with a zone":     {address("fe80::1%eth0"), one("/address", "fe80::1%eth0 has a zone: leave %eth0 out")},
		"multicast":       {address("ff02::12"), one("/address", "ff02::12 is not the address of one machine: use a unicast address")},
		"unspecified":     {address("::"), one("/address", ":: is not the address of one machine: use a unicast address")},
		"mapped":          {address("::ffff:192.0.2.1"), one("/address", "::ffff:192.0.2.1 is IPv4 inside IPv6: write 192.0.2.1")},
		"port 0":          {func(v *VirtualServer) { v.Port = 0 }, one("/port", "0 is out of range: use 1 to 65535; 0, every port, goes with persistence alone")},
		"port 65536":      {func(v *VirtualServer) { v.Port = 65536 }, one("/port", "65536 is out of range: use 1 to 65535")},
		"protocol":        {func(v *VirtualServer) { v.Protocol = "TCP" }, one("/protocol", `"TCP" is not known: use one of tcp, udp, sctp`)},
		"scheduler":       {func(v *VirtualServer) { v.Scheduler = "random" }, one("/scheduler", `"random" is not known: use one of rr, wrr, lc, wlc, fo, ovf, lblc, lblcr, dh, sh, mh, sed, nq, twos`)},
		"no method":       {func(v *VirtualServer) { v.ForwardingMethod = "" }, one("/forwarding_method", "a value is needed: one of nat, dr, tunnel")},
		"unknown method":  {func(v *VirtualServer) { v.ForwardingMethod = "masq" }, one("/forwarding_method", `"masq" is not known: use one of nat, dr, tunnel`)},
		"check of a kind": {func(v *VirtualServer) { check := DefaultHealthCheck(); v.HealthCheck = &check }, one("/health_check", "a health check names at least one of tcp, http, dns, grpc, smtp, udp, ping and script")},
		"check's rhythm": {func(v *VirtualServer) {
			check := goodCheck()
			check.Rise = 0
			v.HealthCheck = &check
		}, one("/health_check/rise", "0 is out of range: use 1 to 255")},
		"quorum": {func(v *VirtualServer) { v.Quorum = Quorum{Weight: 3, Hysteresis: 2} }, nil},
		"no quorum": {func(v *VirtualServer) { v.Quorum = Quorum{} }, FieldErrors{
			{"/quorum/weight", "0 is out of range: use 1 to 2147483647"},
			{"/quorum/hysteresis", "0 is not less than the quorum's weight of 0, so the service would stay up with hardly any server: use less than that"},
		}},
		"hysteresis": {func(v *VirtualServer) { v.Quorum = Quorum{Weight: 3, Hysteresis: 3} }, one("/quorum/hysteresis",
			"3 is not less than the quorum's weight of 3, so the service would stay up with hardly any server: use less than that")},
		"hysteresis below 0":                   {func(v *VirtualServer) { v.Quorum.Hysteresis = -1 }, one("/quorum/hysteresis", "-1 is out of range: use 0 or more")},
		"sorry server":                         {sorry("192.0.2.99:80", ""), nil},
		"sorry server on another port, by NAT": {sorry("192.0.2.99:8080", NAT), nil},
		"sorry server on another port":         {sorry("192.0.2.99:8080", ""), one("/sorry_server/port", `forwarding_method "dr" keeps the port: use 80, the service's, or nat`)},
		"sorry server of another family": {sorry("[2001:db8::1]:80", ""), one("/sorry_server/address",
			"2001:db8::1 is not IPv4, as the service is: use a server of that family, or the forwarding method tunnel")},
		"sorry server's method": {sorry("192.0.2.99:80", "masq"), FieldErrors{{"/sorry_server/forwarding_method", `"masq" is not known: use one of nat, dr, tunnel`}}},
		"sorry server nowhere":  {func(v *VirtualServer) { v.SorryServer = &SorryServer{} }, one("/sorry_server/address", "an address is needed")},
		"sorry server's port":   {sorry("192.0.2.99:0", ""), one("/sorry_server/port", `forwarding_method "dr" keeps the port: use 80, the service's, or nat`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodService()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func sorry(server string, method ForwardingMethod) func(*VirtualServer) {
	return func(v *VirtualServer) {
		at := netip.MustParseAddrPort(server)
		v.SorryServer = &SorryServer{Address: at.Addr(), Port: int(at.Port()), ForwardingMethod: method}
	}
}

func TestEverySchedulerAndMethodThatIsListedIsValid(t *testing.T) {
	t.Parallel()
	for _, scheduler := range Schedulers() {
		for _, method := range ForwardingMethods() {
			for _, protocol := range Protocols() {
				v := goodService()
				v.Scheduler, v.ForwardingMethod, v.Protocol = scheduler, ForwardingMethod(method), Protocol(protocol)
				if errs := v.Validate(); errs != nil {
					t.Errorf("%s, %s, %s: %v", scheduler, method, protocol, errs)
				}
			}
		}
	}
}

func TestValidateHealthCheck(t *testing.T) {
	t.Parallel()
	path := func(s string) func(*HealthCheck) {
		return func(v *HealthCheck) {
			http := DefaultHTTPCheck()
			http.Path = s
			v.HTTP = &http
		}
	}
	noPath := func(s string) FieldErrors {
		return one("/http/path", fmt.Sprintf("%q is not a path: begin with '/', without white space or '#', and '%%' only before two hexadecimal digits", s))
	}
	status := func(list ...StatusRange) func(*HealthCheck) {
		return func(v *HealthCheck) {
			v.HTTP = &HTTPCheck{Version: HTTP11, HTTPRequest: HTTPRequest{Method: "GET", Path: "/", ExpectedStatus: list}}
		}
	}
	rhythm := func(interval, timeout time.Duration) func(*HealthCheck) {
		return func(v *HealthCheck) { v.Interval, v.Timeout = Duration(interval), Duration(timeout) }
	}
	for name, tt := range map[string]struct {
		change func(*HealthCheck)
		want   FieldErrors
	}{
		"good":                           {func(*HealthCheck) {}, nil},
		"all kinds":                      {func(v *HealthCheck) { path("/")(v); v.Script = &ScriptCheck{Name: "db"} }, nil},
		"path with query":                {path("/healthz?verbose=1&a=%20"), nil},
		"double slash":                   {path("//healthz"), nil},
		"fastest":                        {rhythm(10*time.Millisecond, 9*time.Millisecond), nil},
		"slowest":                        {rhythm(24*time.Hour, 24*time.Hour-1), nil},
		"codes and ranges":               {status(StatusRange{100, 100}, StatusRange{200, 599}), nil},
		"nothing to check":               {func(v *HealthCheck) { v.TCP = nil }, one("", "a health check names at least one of tcp, http, dns, grpc, smtp, udp, ping and script")},
		"too fast":                       {rhythm(9*time.Millisecond, 8*time.Millisecond), one("/interval", "9ms is out of range: use 10ms to 24h0m0s")},
		"too slow":                       {rhythm(25*time.Hour, time.Second), one("/interval", "25h0m0s is out of range: use 10ms to 24h0m0s")},
		"no timeout":                     {rhythm(time.Second, 0), one("/timeout", "0s is no time to answer in: use more than 0s")},
		"timeout beyond":                 {rhythm(time.Second, 1001*time.Millisecond), one("/timeout", "1.001s is not shorter than the interval of 1s: use less")},
		"timeout as long":                {rhythm(time.Second, time.Second), one("/timeout", "1s is not shorter than the interval of 1s: use less")},
		"rise and fall":                  {func(v *HealthCheck) { v.Rise, v.Fall = 256, -1 }, FieldErrors{{"/rise", "256 is out of range: use 1 to 255"}, {"/fall", "-1 is out of range: use 1 to 255"}}},
		"what TCP is to send and expect": {func(v *HealthCheck) { v.TCP = &TCPCheck{Send: strings.Repeat("a", 4096), Expect: "b"} }, nil},
		"what TCP cannot": {func(v *HealthCheck) {
			port := 65536
			v.TCP = &TCPCheck{Address: netip.IPv6Unspecified(), Port: &port, Send: strings.Repeat("a", 4097), Expect: strings.Repeat("a", 4097)}
		}, FieldErrors{
			{"/tcp/address", ":: is not the address of one machine: use a unicast address"}, {"/tcp/port", "65536 is out of range: use 1 to 65535"},
			{"/tcp/send", "the text has 4097 bytes: use at most 4096"}, {"/tcp/expect", "the text has 4097 bytes: use at most 4096"},
		}},
		"no path":                    {path(""), noPath("")},
		"relative path":              {path("healthz"), noPath("healthz")},
		"URL":                        {path("http://192.0.2.21/"), noPath("http://192.0.2.21/")},
		"path with a space":          {path("/a b"), noPath("/a b")},
		"path with another request":  {path("/a\r\nHost: b"), noPath("/a\r\nHost: b")},
		"path with a fragment":       {path("/a#b"), noPath("/a#b")},
		"path with half an escape":   {path("/%zz"), noPath("/%zz")},
		"path with a control":        {path("/\x7f"), noPath("/\x7f")},
		"no status":                  {status(), one("/http/expected_status", "the list is empty, so no answer could pass: give a code or range, such as 200-299")},
		"status too small":           {status(StatusRange{200, 299}, StatusRange{99, 99}), one("/http/expected_status/1", "99 is not a range of status codes: use 100 to 599, the smaller first")},
		"status too great":           {status(StatusRange{200, 600}), one("/http/expected_status/0", "200-600 is not a range of status codes: use 100 to 599, the smaller first")},
		"range the wrong way around": {status(StatusRange{299, 200}), one("/http/expected_status/0", "299-200 is not a range of status codes: use 100 to 599, the smaller first")},
		"script without a name": {func(v *HealthCheck) { v.Script = &ScriptCheck{} },
			one("/script/name", `"" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodCheck()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateRealServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		address string
		weight  int
		want    FieldErrors
	}{
		"good":          {"192.0.2.21:80", 1, nil},
		"IPv6":          {"[2001:db8::1]:80", 1, nil},
		"quiesced":      {"192.0.2.21:80", 0, nil},
		"heaviest":      {"192.0.2.21:80", 65535, nil},
		"negative":      {"192.0.2.21:80", -1, one("/weight", "-1 is out of range: use 0 to 65535")},
		"too heavy":     {"192.0.2.21:80", 65536, one("/weight", "65536 is out of range: use 0 to 65535")},
		"every port":    {"192.0.2.21:0", 1, nil},
		"multicast":     {"224.0.0.1:80", 1, one("/address", "224.0.0.1 is not the address of one machine: use a unicast address")},
		"link and zone": {"[fe80::1%eth0]:80", 1, one("/address", "fe80::1%eth0 has a zone: leave %eth0 out")},
		"several at once": {"0.0.0.0:0", -1, FieldErrors{
			{"/address", "0.0.0.0 is not the address of one machine: use a unicast address"},
			{"/weight", "-1 is out of range: use 0 to 65535"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := RealServer{Weight: tt.weight}
			if diff := cmp.Diff(tt.want, v.Validate(netip.MustParseAddrPort(tt.address))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateWhatAServerHasOfItsOwn(t *testing.T) {
	t.Parallel()
	v := RealServer{HealthCheck: &HealthCheck{}, InitialState: "unknown", OnFailure: "drop"}
	want := []string{"/health_check/interval", "/health_check/timeout", "/health_check/rise", "/health_check/fall", "/health_check", "/initial_state", "/on_failure"}
	var got []string
	for _, e := range v.Validate(netip.MustParseAddrPort("192.0.2.21:80")) {
		got = append(got, e.Pointer)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValidateCheckScript(t *testing.T) {
	t.Parallel()
	program := func(path string) func(*CheckScript) {
		return func(v *CheckScript) { v.Command[0] = path }
	}
	content := func(text string) func(*CheckScript) {
		return func(v *CheckScript) { v.Command, v.Content = nil, text }
	}
	noPath := func(path string) FieldErrors {
		return one("/command/0", fmt.Sprintf("%q is not an absolute path without '.', '..' and doubled slashes", path))
	}
	for name, tt := range map[string]struct {
		change func(*CheckScript)
		want   FieldErrors
	}{
		"good":           {func(*CheckScript) {}, nil},
		"no arguments":   {func(v *CheckScript) { v.Command = v.Command[:1] }, nil},
		"empty argument": {func(v *CheckScript) { v.Command[1] = "" }, nil},
		"no command":     {func(v *CheckScript) { v.Command = nil }, one("/command", "a command is needed: a list of the program's absolute path and its arguments; or content, the text of a script")},
		"text":           {content("#!/bin/sh\nexit 0\n"), nil},
		"text for an interpreter with an argument": {content("#! /usr/bin/awk  -f \nBEGIN {}"), nil},
		"text and a command":                       {func(v *CheckScript) { v.Content = "#!/bin/sh\n" }, one("/content", "a check script has a command or a content, not both: remove one")},
		"text without an interpreter": {content("exit 0"), one("/content",
			"the first line does not say what runs the script: begin it with a line such as #!/bin/sh")},
		"text with an interpreter somewhere": {content("#!python3\n"), one("/content",
			`the first line names "python3" to run the script, which is not an absolute path: write #!/bin/sh or #!/usr/bin/env python3`)},
		"text with half an interpreter": {content("#! "), one("/content",
			`the first line names "" to run the script, which is not an absolute path: write #!/bin/sh or #!/usr/bin/env python3`)},
		"text from Windows": {content("#!/bin/sh\r\nexit 0\r\n"), one("/content",
			"the first line ends as on Windows, and nothing of that name is there: write the script with Unix line ends")},
		"text with a NUL": {content("#!/bin/sh\n\x00"), one("/content", "a script cannot hold a NUL byte")},
		"long text": {content("#!/bin/sh\n" + strings.Repeat("x", 64<<10)), one("/content",
			"the script has 65546 bytes: use at most 65536, or put it into the agent's scripts.directory")},
		"empty program":     {program(""), noPath("")},
		"relative program":  {program("ping-gateway"), noPath("ping-gateway")},
		"program with dots": {program("/etc/lvs-agent/scripts/../x"), noPath("/etc/lvs-agent/scripts/../x")},
		"doubled slash":     {program("/etc//x"), noPath("/etc//x")},
		"a shell's line":    {program("ping -c1 192.0.2.1"), noPath("ping -c1 192.0.2.1")},
		"NUL in an argument": {func(v *CheckScript) { v.Command[1] = "a\x00b" }, one("/command/1",
			"an argument cannot hold a NUL byte")},
		"timeout beyond": {func(v *CheckScript) { v.Timeout = Duration(3 * time.Second) }, one("/timeout", "3s is longer than the interval of 2s: use at most the interval")},
		"rise and fall":  {func(v *CheckScript) { v.Rise, v.Fall = 0, 256 }, FieldErrors{{"/rise", "0 is out of range: use 1 to 255"}, {"/fall", "256 is out of range: use 1 to 255"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := goodScript()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFieldErrorsAsText(t *testing.T) {
	t.Parallel()
	errs := FieldErrors{{"", "a health check names at least one of tcp, http, dns, grpc, smtp, udp, ping and script"}, {"/rise", "0 is out of range"}}
	want := "health_check: a health check names at least one of tcp, http, dns, grpc, smtp, udp, ping and script; health_check/rise: 0 is out of range"
	if diff := cmp.Diff(want, errs.Under("/health_check").Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := errs[:1].Error(); strings.HasPrefix(got, ":") {
		t.Errorf("an error of the whole object reads %q", got)
	}
}

func FuzzInterpreter(f *testing.F) {
	for _, text := range []string{"#!/bin/sh\n", "#! /usr/bin/env  python3 -u \nx", "#!", "#!\t/bin/sh\r\n", "exit 0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		program, argument := Interpreter(text)
		line, _, _ := strings.Cut(text, "\n")
		if strings.ContainsAny(program, " \t\n") || strings.TrimRight(argument, " \t") != argument || program == "" && argument != "" {
			t.Errorf("%q is run by %q with %q", line, program, argument)
		}
		if !strings.Contains(line, program) || !strings.Contains(line, argument) {
			t.Errorf("%q names neither %q nor %q", line, program, argument)
		}
	})
}
