package spec

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// markedService is a service by firewall mark.
func markedService() VirtualServer {
	v := DefaultVirtualServer()
	v.FirewallMark, v.Family, v.ForwardingMethod = 5, IPv4, DirectRouting
	return v
}

func persistent(change func(*Persistence)) *Persistence {
	p := DefaultPersistence()
	change(&p)
	return &p
}

func wrapped(kind TunnelType, port int, checksum TunnelChecksum) *TunnelOptions {
	return &TunnelOptions{Type: kind, Port: port, Checksum: checksum}
}

func TestValidateWhatTheKernelCanDoForAService(t *testing.T) {
	t.Parallel()
	day := Duration(24 * time.Hour)
	for name, tt := range map[string]struct {
		from   func() VirtualServer
		change func(*VirtualServer)
		want   FieldErrors
	}{
		"marked":               {markedService, func(*VirtualServer) {}, nil},
		"highest mark":         {markedService, func(v *VirtualServer) { v.FirewallMark, v.Family = math.MaxUint32, IPv6 }, nil},
		"mark too high":        {markedService, func(v *VirtualServer) { v.FirewallMark++; v.FirewallMark += math.MaxUint32 }, one("/firewall_mark", "4294967301 is out of range: use 1 to 4294967295")},
		"mark below 0":         {markedService, func(v *VirtualServer) { v.FirewallMark = -1 }, one("/firewall_mark", "-1 is out of range: use 1 to 4294967295")},
		"mark and address":     {markedService, func(v *VirtualServer) { v.Address = netip.MustParseAddr("192.0.2.100") }, one("/firewall_mark", "a service has a firewall mark or an address, not both: leave one out")},
		"mark and port":        {markedService, func(v *VirtualServer) { v.Port = 80 }, one("/port", "the firewall's rule says which ports it marks: leave the port out")},
		"mark without family":  {markedService, func(v *VirtualServer) { v.Family = "" }, one("/family", "a value is needed: one of ipv4, ipv6")},
		"mark of another word": {markedService, func(v *VirtualServer) { v.Family = "inet" }, one("/family", `"inet" is not known: use one of ipv4, ipv6`)},
		"family of an address": {goodService, func(v *VirtualServer) { v.Family = IPv4 }, one("/family", "an address says its family: leave it out, or use a firewall mark")},
		"every port":           {goodService, func(v *VirtualServer) { v.Port, v.Persistence = 0, persistent(func(*Persistence) {}) }, nil},
		"persistence":          {goodService, func(v *VirtualServer) { v.Persistence = &Persistence{Timeout: Duration(time.Second), PrefixLength: 1} }, nil},
		"longest persistence":  {goodService, func(v *VirtualServer) { v.Persistence = &Persistence{Timeout: 31 * day, PrefixLength: 32} }, nil},
		"no time to persist":   {goodService, func(v *VirtualServer) { v.Persistence = &Persistence{} }, one("/persistence/timeout", "0s is out of range: use 1s to 744h")},
		"parts of a second":    {goodService, func(v *VirtualServer) { v.Persistence = &Persistence{Timeout: Duration(1500 * time.Millisecond)} }, one("/persistence/timeout", "1.5s is not a number of whole seconds, as the kernel counts them: use 2s")},
		"too long a time":      {goodService, func(v *VirtualServer) { v.Persistence = &Persistence{Timeout: 32 * day} }, one("/persistence/timeout", "768h0m0s is out of range: use 1s to 744h")},
		"prefix of IPv6":       {goodService, func(v *VirtualServer) { v.Persistence = persistent(func(p *Persistence) { p.PrefixLength = 64 }) }, one("/persistence/prefix_length", "64 is out of range: use 1 to 32")},
		"prefix by mark": {markedService, func(v *VirtualServer) {
			v.Family, v.Persistence = IPv6, persistent(func(p *Persistence) { p.PrefixLength = 128 })
		}, nil},
		"engine": {goodService, func(v *VirtualServer) {
			v.Protocol, v.Persistence = UDP, persistent(func(p *Persistence) { p.Engine = "sip" })
		}, nil},
		"engine by mark":        {markedService, func(v *VirtualServer) { v.Persistence = persistent(func(p *Persistence) { p.Engine = "sip" }) }, nil},
		"engine over TCP":       {goodService, func(v *VirtualServer) { v.Persistence = persistent(func(p *Persistence) { p.Engine = "sip" }) }, one("/persistence/engine", "sip reads UDP packets alone: use protocol udp, or leave it out")},
		"another engine":        {goodService, func(v *VirtualServer) { v.Persistence = persistent(func(p *Persistence) { p.Engine = "rtp" }) }, one("/persistence/engine", `"rtp" is not known: use one of sip`)},
		"one packet":            {goodService, func(v *VirtualServer) { v.Protocol, v.OnePacket = UDP, true }, nil},
		"one packet by mark":    {markedService, func(v *VirtualServer) { v.OnePacket = true }, nil},
		"one packet of TCP":     {goodService, func(v *VirtualServer) { v.OnePacket = true }, one("/one_packet", "tcp has connections, whose packets belong together: use it with udp, or a firewall mark")},
		"one packet of SCTP":    {goodService, func(v *VirtualServer) { v.Protocol, v.OnePacket = SCTP, true }, one("/one_packet", "sctp has connections, whose packets belong together: use it with udp, or a firewall mark")},
		"flags":                 {goodService, func(v *VirtualServer) { v.Scheduler, v.SchedulerFlags = "sh", []string{"sh-fallback", "sh-port"} }, nil},
		"flags of another":      {goodService, func(v *VirtualServer) { v.Scheduler, v.SchedulerFlags = "mh", []string{"sh-port"} }, one("/scheduler_flags", `"sh-port" is no flag of scheduler "mh": use mh-fallback, mh-port`)},
		"flags of none":         {goodService, func(v *VirtualServer) { v.SchedulerFlags = []string{"mh-port"} }, one("/scheduler_flags", `"mh-port" is no flag of scheduler "wlc", which has none: leave it out`)},
		"flag twice":            {goodService, func(v *VirtualServer) { v.Scheduler, v.SchedulerFlags = "mh", []string{"mh-port", "mh-port"} }, one("/scheduler_flags", `"mh-port" stands there twice: remove one`)},
		"flags of an unknown":   {goodService, func(v *VirtualServer) { v.Scheduler, v.SchedulerFlags = "", []string{"mh-port"} }, one("/scheduler", "a value is needed: one of rr, wrr, lc, wlc, fo, ovf, lblc, lblcr, dh, sh, mh, sed, nq, twos")},
		"tunnel":                {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GUE, 6080, RemoteChecksum) }, nil},
		"tunnel of GRE":         {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GRE, 0, Checksum) }, nil},
		"tunnel without one":    {goodService, func(v *VirtualServer) { v.Tunnel = wrapped(IPIP, 0, NoChecksum) }, one("/tunnel", `forwarding_method "dr" has no tunnel: leave it out, or use the method tunnel`)},
		"GUE without port":      {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GUE, 0, NoChecksum) }, one("/tunnel/port", "gue needs the UDP port that the real servers take it on, such as 6080")},
		"GUE's port":            {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GUE, 65536, NoChecksum) }, one("/tunnel/port", "65536 is out of range: use 1 to 65535")},
		"port without GUE":      {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GRE, 6080, NoChecksum) }, one("/tunnel/port", "gre has no port: leave it out, or use gue")},
		"IPIP's checksum":       {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(IPIP, 0, Checksum) }, one("/tunnel/checksum", "ipip has no checksum: use none")},
		"GRE's remote checksum": {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped(GRE, 0, RemoteChecksum) }, one("/tunnel/checksum", "gre has no remote_checksum: use none or checksum")},
		"tunnel of words": {goodService, func(v *VirtualServer) { v.ForwardingMethod, v.Tunnel = Tunnel, wrapped("vxlan", 1, "some") }, FieldErrors{
			{"/tunnel/type", `"vxlan" is not known: use one of ipip, gue, gre`}, {"/tunnel/checksum", `"some" is not known: use one of none, checksum, remote_checksum`},
		}},
		"slow start":              {goodService, func(v *VirtualServer) { v.SlowStart = maxSlowStart }, nil},
		"slow start that is none": {goodService, func(v *VirtualServer) { v.SlowStart = minSlowStart - 1 }, one("/slow_start", "999.999999ms is out of range: use 0s, which gives the full weight at once, or 1s to 1h0m0s")},
		"checks that follow no address": {markedService, func(v *VirtualServer) {
			check := DefaultHealthCheck()
			check.Script, check.OnlyWhenActive = &ScriptCheck{Name: "web"}, true
			v.HealthCheck = &check
		}, one("/health_check/only_when_active", "a service by firewall mark has no address of its own that could be active: leave it out")},
		"sorry server behind a mark": {markedService, func(v *VirtualServer) { v.SorryServer = &SorryServer{Address: netip.MustParseAddr("192.0.2.99")} }, nil},
		"sorry server by a tunnel": {goodService, func(v *VirtualServer) {
			v.SorryServer = &SorryServer{Address: netip.MustParseAddr("2001:db8::99"), Port: 80, ForwardingMethod: Tunnel}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tt.from()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateWhatTheKernelCanDoForAServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*RealServer)
		want   FieldErrors
	}{
		"method":            {func(v *RealServer) { v.ForwardingMethod = NAT }, nil},
		"unknown method":    {func(v *RealServer) { v.ForwardingMethod = "masq" }, one("/forwarding_method", `"masq" is not known: use one of nat, dr, tunnel`)},
		"slow start":        {func(v *RealServer) { d := maxSlowStart + 1; v.SlowStart = &d }, one("/slow_start", "1h0m0.000000001s is out of range: use 0s, which gives the full weight at once, or 1s to 1h0m0s")},
		"thresholds":        {func(v *RealServer) { v.UpperThreshold, v.LowerThreshold = 100, 99 }, nil},
		"upper alone":       {func(v *RealServer) { v.UpperThreshold = math.MaxInt32 }, nil},
		"equal thresholds":  {func(v *RealServer) { v.UpperThreshold, v.LowerThreshold = 100, 100 }, one("/lower_threshold", "100 is not below the upper threshold of 100: use less, or 0, which leaves it to the kernel")},
		"lower alone":       {func(v *RealServer) { v.LowerThreshold = 1 }, one("/lower_threshold", "1 is not below the upper threshold of 0: use less, or 0, which leaves it to the kernel")},
		"threshold below 0": {func(v *RealServer) { v.UpperThreshold = -1 }, one("/upper_threshold", "-1 is out of range: use 0 to 2147483647")},
		"tunnel":            {func(v *RealServer) { v.Tunnel = wrapped(GUE, 6080, NoChecksum) }, nil},
		"wrong tunnel":      {func(v *RealServer) { v.Tunnel = wrapped(GUE, 0, NoChecksum) }, one("/tunnel/port", "gue needs the UDP port that the real servers take it on, such as 6080")},
		"tunnel by NAT":     {func(v *RealServer) { v.ForwardingMethod, v.Tunnel = NAT, wrapped(GRE, 0, NoChecksum) }, one("/tunnel", `forwarding_method "nat" has no tunnel: leave it out, or use the method tunnel`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := DefaultRealServer()
			tt.change(&v)
			if diff := cmp.Diff(tt.want, v.Validate(netip.MustParseAddrPort("192.0.2.21:80"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerFitsItsServiceByItsMethod(t *testing.T) {
	t.Parallel()
	everyPort := func() VirtualServer {
		v := goodService()
		v.Port, v.Persistence = 0, persistent(func(*Persistence) {})
		return v
	}
	checked := func() VirtualServer {
		v, check := markedService(), goodCheck()
		v.HealthCheck = &check
		return v
	}
	for name, tt := range map[string]struct {
		service func() VirtualServer
		address string
		server  RealServer
		want    FieldErrors
	}{
		"another port by NAT":           {goodService, "192.0.2.21:8080", RealServer{ForwardingMethod: NAT}, nil},
		"another port by tunnel":        {goodService, "192.0.2.21:8080", RealServer{ForwardingMethod: Tunnel}, one("/port", `forwarding_method "tunnel" keeps the port: use 80, the service's, or nat`)},
		"another family by tunnel":      {goodService, "[2001:db8::21]:80", RealServer{ForwardingMethod: Tunnel}, nil},
		"another family by NAT":         {goodService, "[2001:db8::21]:80", RealServer{ForwardingMethod: NAT}, one("/address", "2001:db8::21 is not IPv4, as the service is: use a server of that family, or the forwarding method tunnel")},
		"a tunnel's options":            {goodService, "192.0.2.21:80", RealServer{ForwardingMethod: Tunnel, Tunnel: wrapped(GRE, 0, NoChecksum)}, nil},
		"a tunnel's options without":    {goodService, "192.0.2.21:80", RealServer{Tunnel: wrapped(GRE, 0, NoChecksum)}, one("/tunnel", `forwarding_method "dr" has no tunnel: leave it out, or use the method tunnel`)},
		"behind a mark":                 {markedService, "192.0.2.21:0", RealServer{}, nil},
		"check that follows no address": {markedService, "192.0.2.21:0", RealServer{HealthCheck: &HealthCheck{OnlyWhenActive: true}}, one("/health_check/only_when_active", "a service by firewall mark has no address of its own that could be active: leave it out")},
		"behind a mark with a port":     {markedService, "192.0.2.21:80", RealServer{}, one("/port", `forwarding_method "dr" keeps the port, whichever it is, with a firewall mark: use 0, or nat`)},
		"behind a mark by NAT":          {markedService, "192.0.2.21:80", RealServer{ForwardingMethod: NAT}, nil},
		"of another family":             {markedService, "[2001:db8::21]:0", RealServer{}, one("/address", "2001:db8::21 is not IPv4, as the service is: use a server of that family, or the forwarding method tunnel")},
		"on every port":                 {everyPort, "192.0.2.21:0", RealServer{}, nil},
		"on every port by NAT":          {everyPort, "192.0.2.21:0", RealServer{ForwardingMethod: NAT}, nil},
		"one port for every port":       {everyPort, "192.0.2.21:80", RealServer{ForwardingMethod: NAT}, nil},
		"every port for one":            {goodService, "192.0.2.21:0", RealServer{ForwardingMethod: NAT}, one("/port", "0 keeps the port that a client asked for, where a service has many: use 1 to 65535")},
		"a check of no port":            {checked, "192.0.2.21:0", RealServer{}, one("/port", "the health check tcp goes to the server's port, and 0 is none: give the check a port, or use nat and a port")},
		"a check of a port behind NAT":  {checked, "192.0.2.21:80", RealServer{ForwardingMethod: NAT}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tt.service()
			if diff := cmp.Diff(tt.want, v.Admit(netip.MustParseAddrPort(tt.address), tt.server)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMarkIsServedOnce(t *testing.T) {
	t.Parallel()
	d := cluster()
	d.VirtualServers["marked"] = markedService()
	if diff := cmp.Diff(Verdict{Conflicts: one("/firewall_mark", `firewall mark 5 (IPv4) is served by virtual server "marked": a service has one owner`)},
		d.FitVirtualServer("other", markedService())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	six, udp := markedService(), markedService()
	six.Family, udp.Protocol = IPv6, UDP
	if fit := d.FitVirtualServer("other", six); fit.Conflicts != nil {
		t.Errorf("the mark of the other family: %v", fit)
	}
	if fit := d.FitVirtualServer("other", udp); fit.Conflicts == nil {
		t.Error("a protocol makes another service of a mark")
	}
}

// Flags are a set: the order in which they come makes no other spec.
func TestFlagsAreReadInOneOrder(t *testing.T) {
	t.Parallel()
	var one, other VirtualServer
	for text, v := range map[string]*VirtualServer{
		`{"address":"192.0.2.100","port":80,"forwarding_method":"dr","scheduler":"sh","scheduler_flags":["sh-port","sh-fallback"]}`: &one,
		`{"address":"192.0.2.100","port":80,"forwarding_method":"dr","scheduler":"sh","scheduler_flags":["sh-fallback","sh-port"]}`: &other,
	} {
		if err := Decode([]byte(text), v); err != nil {
			t.Fatal(err)
		}
	}
	if ETag(one) != ETag(other) || !slices.IsSorted(one.SchedulerFlags) {
		t.Errorf("%v and %v are not the same", one.SchedulerFlags, other.SchedulerFlags)
	}
}

func TestDefaultsOfWhatIsNested(t *testing.T) {
	t.Parallel()
	var v VirtualServer
	if err := Decode([]byte(`{"firewall_mark":5,"family":"ipv6","forwarding_method":"tunnel","tunnel":{},"persistence":{}}`), &v); err != nil {
		t.Fatal(err)
	}
	want := markedService()
	want.Family, want.ForwardingMethod = IPv6, Tunnel
	want.Tunnel, want.Persistence = wrapped(IPIP, 0, NoChecksum), &Persistence{Timeout: Duration(5 * time.Minute)}
	if diff := cmp.Diff(want, v, netipTypes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if errs := v.Validate(); errs != nil {
		t.Error(errs)
	}
}
