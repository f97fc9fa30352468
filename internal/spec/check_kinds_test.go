package spec

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidateKindsOfHealthCheck(t *testing.T) {
	t.Parallel()
	zero := 0
	ask := func(change func(*DNSCheck)) *HealthCheck {
		v := DefaultDNSCheck()
		v.Name = "www.example.com"
		change(&v)
		return &HealthCheck{DNS: &v}
	}
	mail := func(change func(*SMTPCheck)) *HealthCheck {
		v := DefaultSMTPCheck()
		change(&v)
		return &HealthCheck{SMTP: &v}
	}
	answers := func(kind string, data ...string) *HealthCheck {
		return ask(func(v *DNSCheck) { v.Type, v.ExpectedAnswers = kind, data })
	}
	tls := DefaultTLSCheck()
	old := TLSCheck{MinimumVersion: "1.1"}
	const unknownTLS = `"1.1" is not known: use one of 1.2, 1.3`
	for name, tt := range map[string]struct {
		check *HealthCheck
		want  FieldErrors
	}{
		"dns":                       {ask(func(*DNSCheck) {}), nil},
		"dns of the root":           {ask(func(v *DNSCheck) { v.Name = "." }), nil},
		"dns with an underscore":    {ask(func(v *DNSCheck) { v.Name, v.Type = "_dmarc.example.com", "TXT" }), nil},
		"dns over SCTP":             {ask(func(v *DNSCheck) { v.Protocol = SCTP }), one("/dns/protocol", `"sctp" is not known: use one of udp, tcp`)},
		"dns of no port":            {ask(func(v *DNSCheck) { v.Port = &zero }), one("/dns/port", "0 is out of range: use 1 to 65535")},
		"dns of nobody":             {ask(func(v *DNSCheck) { v.Address = netip.IPv4Unspecified() }), one("/dns/address", "0.0.0.0 is not the address of one machine: use a unicast address")},
		"dns without a name":        {ask(func(v *DNSCheck) { v.Name = "" }), one("/dns/name", "a name to ask for is needed, such as www.example.com")},
		"dns with a space":          {ask(func(v *DNSCheck) { v.Name = "a b" }), one("/dns/name", `"a b" is not a domain name: write www.example.com, in ASCII, with at most 63 characters between two dots`)},
		"dns with an empty label":   {ask(func(v *DNSCheck) { v.Name = "a..b" }), one("/dns/name", `"a..b" is not a domain name: write www.example.com, in ASCII, with at most 63 characters between two dots`)},
		"dns with an umlaut":        {ask(func(v *DNSCheck) { v.Name = "bücher.example" }), one("/dns/name", `"bücher.example" is not a domain name: write www.example.com, in ASCII, with at most 63 characters between two dots`)},
		"dns of a code":             {ask(func(v *DNSCheck) { v.ExpectedRcode = "NXDOMAIN" }), nil},
		"dns of an unknown code":    {ask(func(v *DNSCheck) { v.ExpectedRcode = "3" }), one("/dns/expected_rcode", `"3" is not known: use one of NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED`)},
		"dns of records for a code": {ask(func(v *DNSCheck) { v.ExpectedRcode, v.ExpectedAnswers = "NXDOMAIN", []string{"192.0.2.1"} }), one("/dns/expected_answers", "an answer with the code NXDOMAIN has no records to expect: remove them, or expect NOERROR")},
		"dns of many records":       {answers("A", strings.Split(strings.Repeat("192.0.2.1 ", 33), " ")[:33]...), one("/dns/expected_answers", "33 records are expected: use at most 32")},
		"dns of addresses":          {answers("A", "192.0.2.1", "192.0.2.2"), nil},
		"dns of IPv6 for IPv4":      {answers("A", "192.0.2.1", "2001:db8::1"), one("/dns/expected_answers/1", `"2001:db8::1" is not the data of a record of type A: write it as in a zone file`)},
		"dns of services":           {answers("SRV", "0 5 5060 sip.example.com"), nil},
		"dns of text":               {answers("TXT", `"v=spf1 -all"`), nil},
		"dns of nothing":            {answers("A", " "), one("/dns/expected_answers/0", "the text is empty: give the data of a record, as in a zone file")},
		"dns of two lines":          {answers("A", "192.0.2.1\n$INCLUDE /etc/shadow"), one("/dns/expected_answers/0", `"192.0.2.1\n$INCLUDE /etc/shadow" is not the data of a record of type A: write it as in a zone file`)},
		"grpc":                      {&HealthCheck{GRPC: &GRPCCheck{Service: "shop.v1.Cart", TLS: &tls}}, nil},
		"grpc of a long service":    {&HealthCheck{GRPC: &GRPCCheck{Service: strings.Repeat("a", 4097)}}, one("/grpc/service", "the text has 4097 bytes: use at most 4096")},
		"grpc of bytes":             {&HealthCheck{GRPC: &GRPCCheck{Service: "\xff"}}, one("/grpc/service", `"\xff" is not UTF-8, which names of services are`)},
		"grpc over an old TLS":      {&HealthCheck{GRPC: &GRPCCheck{TLS: &old}}, one("/grpc/tls/minimum_version", unknownTLS)},
		"smtp":                      {mail(func(v *SMTPCheck) { v.STARTTLS = &tls }), nil},
		"smtp as an address":        {mail(func(v *SMTPCheck) { v.Hello = "[192.0.2.11]" }), nil},
		"smtp as another command":   {mail(func(v *SMTPCheck) { v.Hello = "a\r\nMAIL FROM:<>" }), one("/smtp/hello", `"a\r\nMAIL FROM:<>" is not a name to introduce oneself with: write d1.example.com, or an address as [192.0.2.11]`)},
		"smtp as nobody":            {mail(func(v *SMTPCheck) { v.Hello = "" }), one("/smtp/hello", `"" is not a name to introduce oneself with: write d1.example.com, or an address as [192.0.2.11]`)},
		"smtp with TLS twice":       {mail(func(v *SMTPCheck) { v.STARTTLS, v.TLS = &tls, &tls }), one("/smtp/starttls", "TLS begins with the connection or after EHLO, not twice: leave out starttls or tls")},
		"smtp over an old TLS":      {mail(func(v *SMTPCheck) { v.TLS = &old }), one("/smtp/tls/minimum_version", unknownTLS)},
		"smtp with an old STARTTLS": {mail(func(v *SMTPCheck) { v.STARTTLS = &old }), one("/smtp/starttls/minimum_version", unknownTLS)},
		"udp":                       {&HealthCheck{UDP: &UDPCheck{}}, nil},
		"udp of bytes":              {&HealthCheck{UDP: &UDPCheck{SendHex: "00FF", ExpectHex: strings.Repeat("0a", 1024)}}, nil},
		"udp of half a byte":        {&HealthCheck{UDP: &UDPCheck{SendHex: "0"}}, one("/udp/send_hex", `"0" is not bytes in hexadecimal digits, two for each: write 0aff`)},
		"udp of too many bytes":     {&HealthCheck{UDP: &UDPCheck{ExpectHex: strings.Repeat("0a", 1025)}}, one("/udp/expect_hex", "these are 1025 bytes: use at most 1024")},
		"udp of text and bytes":     {&HealthCheck{UDP: &UDPCheck{Send: "a", SendHex: "61"}}, one("/udp/send_hex", "a datagram is given as text or as bytes, not twice: leave out send or send_hex")},
		"udp to be text and bytes":  {&HealthCheck{UDP: &UDPCheck{Expect: "a", ExpectHex: "61"}}, one("/udp/expect_hex", "a datagram is given as text or as bytes, not twice: leave out expect or expect_hex")},
		"ping":                      {&HealthCheck{Ping: &PingCheck{Address: netip.MustParseAddr("2001:db8::1")}}, nil},
		"from an address":           {&HealthCheck{TCP: &TCPCheck{}, Source: "2001:db8::11", FirewallMark: 1<<32 - 1}, nil},
		"from an interface":         {&HealthCheck{TCP: &TCPCheck{}, Source: "bond0.100"}, nil},
		"from a range":              {&HealthCheck{TCP: &TCPCheck{}, Source: "192.0.2.0/24"}, one("/source", `"192.0.2.0/24" is neither an address nor the name of a network interface: write 192.0.2.11 or eth1`)},
		"from everywhere":           {&HealthCheck{TCP: &TCPCheck{}, Source: "0.0.0.0"}, one("/source", "0.0.0.0 is not the address of one machine: use a unicast address")},
		"from IPv4 to IPv6":         {&HealthCheck{Ping: &PingCheck{Address: netip.MustParseAddr("2001:db8::1")}, Source: "192.0.2.11"}, one("/source", "from 192.0.2.11 the health check ping cannot go to 2001:db8::1, which is IPv6: use a source of that family, or an interface")},
		"with a mark beyond":        {&HealthCheck{TCP: &TCPCheck{}, FirewallMark: 1 << 32}, one("/firewall_mark", "4294967296 is out of range: use 1 to 4294967295, or leave it out")},
		"of a script from a source": {&HealthCheck{Script: &ScriptCheck{Name: "db"}, Source: "eth0", FirewallMark: 5}, FieldErrors{{"/source", "a script makes its own connections: leave it out, or name another kind, too"}, {"/firewall_mark", "a script makes its own connections: leave it out, or name another kind, too"}}},
		"ping of many":              {&HealthCheck{Ping: &PingCheck{Address: netip.MustParseAddr("ff02::1")}}, one("/ping/address", "ff02::1 is not the address of one machine: use a unicast address")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := DefaultHealthCheck()
			tt.check.Interval, tt.check.Timeout, tt.check.Rise, tt.check.Fall = good.Interval, good.Timeout, good.Rise, good.Fall
			if diff := cmp.Diff(tt.want, tt.check.Validate()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerIsCheckedOnlyWhereACheckCanGo(t *testing.T) {
	t.Parallel()
	port := 8080
	service := DefaultVirtualServer()
	service.FirewallMark, service.Family, service.ForwardingMethod = 5, IPv4, DirectRouting
	server := netip.MustParseAddrPort("192.0.2.21:0")
	for name, tt := range map[string]struct {
		check HealthCheck
		want  FieldErrors
	}{
		"a port":    {HealthCheck{TCP: &TCPCheck{Port: &port}}, nil},
		"a source":  {HealthCheck{Ping: &PingCheck{}, Source: "192.0.2.11"}, nil},
		"another":   {HealthCheck{Ping: &PingCheck{}, Source: "2001:db8::11"}, one("/health_check/source", "from 2001:db8::11 the health check ping cannot go to 192.0.2.21, which is IPv4: use a source of that family, or an interface")},
		"none":      {HealthCheck{SMTP: &SMTPCheck{}}, one("/port", "the health check smtp goes to the server's port, and 0 is none: give the check a port, or use nat and a port")},
		"no use":    {HealthCheck{Ping: &PingCheck{}}, nil},
		"one knows": {HealthCheck{TCP: &TCPCheck{Port: &port}, UDP: &UDPCheck{}}, one("/port", "the health check udp goes to the server's port, and 0 is none: give the check a port, or use nat and a port")},
	} {
		service.HealthCheck = &tt.check
		if diff := cmp.Diff(tt.want, service.Admit(server, DefaultRealServer())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCheckSpeaksWhatTheServicesPortDoes(t *testing.T) {
	t.Parallel()
	port := 25
	for name, tt := range map[string]struct {
		protocol Protocol
		check    HealthCheck
		want     string // "" is nothing
	}{
		"smtp over TCP":           {TCP, HealthCheck{SMTP: &SMTPCheck{}}, ""},
		"smtp over UDP":           {UDP, HealthCheck{SMTP: &SMTPCheck{}}, "the health check smtp speaks tcp, and the service's port is udp: give the check a port of its own, or use another kind"},
		"smtp at a port":          {UDP, HealthCheck{SMTP: &SMTPCheck{Port: &port}}, ""},
		"grpc over SCTP":          {SCTP, HealthCheck{GRPC: &GRPCCheck{}}, "the health check grpc speaks tcp, and the service's port is sctp: give the check a port of its own, or use another kind"},
		"udp over TCP":            {TCP, HealthCheck{UDP: &UDPCheck{}}, "the health check udp speaks udp, and the service's port is tcp: give the check a port of its own, or use another kind"},
		"udp over UDP":            {UDP, HealthCheck{UDP: &UDPCheck{}}, ""},
		"what name servers speak": {UDP, HealthCheck{DNS: &DNSCheck{Protocol: TCP}, TCP: &TCPCheck{}}, ""},
		"HTTP/3":                  {UDP, HealthCheck{HTTP: &HTTPCheck{}}, ""},
		"ping":                    {SCTP, HealthCheck{Ping: &PingCheck{}}, ""},
	} {
		service := goodService()
		service.Protocol, service.OnFailure = tt.protocol, ""
		var ofService, ofServer FieldErrors
		if tt.want != "" {
			ofService, ofServer = one("/protocol", tt.want), one("/health_check", tt.want)
		}
		server := RealServer{Weight: 1, HealthCheck: &tt.check}
		if diff := cmp.Diff(ofServer, service.Admit(netip.MustParseAddrPort("192.0.2.21:80"), server)); diff != "" {
			t.Errorf("%s of a server (-want +got):\n%s", name, diff)
		}
		var got FieldErrors
		service.speaks(&got, "/protocol", &tt.check)
		if diff := cmp.Diff(ofService, got); diff != "" {
			t.Errorf("%s of a service (-want +got):\n%s", name, diff)
		}
		service.FirewallMark = 5
		got = nil
		if service.speaks(&got, "/protocol", &tt.check); got != nil {
			t.Errorf("%s of a firewall mark: %v", name, got)
		}
	}
}
