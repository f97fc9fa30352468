package check

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// nameServer answers questions about example.com over UDP and TCP on one port.
func nameServer(t *testing.T) string {
	t.Helper()
	zone := dns.NewServeMux()
	zone.HandleFunc("example.com.", func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		for _, text := range map[string][]string{
			"www.example.com. A":      {"www.example.com. 60 IN CNAME web.example.com.", "web.example.com. 60 IN A 192.0.2.1", "web.example.com. 60 IN A 192.0.2.2"},
			"example.com. MX":         {"example.com. 60 IN MX 10 Mail.Example.com."},
			"example.com. TXT":        {`example.com. 60 IN TXT "v=spf1 -all"`},
			"example.com. AAAA":       {"example.com. 60 IN AAAA 2001:db8::1"},
			"large.example.com. A":    manyAddresses(100),
			"example.com. SOA":        {"example.com. 60 IN SOA ns.example.com. root.example.com. 1 2 3 4 5"},
			"nothing.example.com. A":  {},
			"late.example.com. A":     {"late.example.com. 60 IN A 192.0.2.3"},
			"refused.example.com. A":  nil,
			"missing.example.com. A":  nil,
			"servfail.example.com. A": nil,
		}[question.Question[0].Name+" "+dns.TypeToString[question.Question[0].Qtype]] {
			record, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
			}
			answer.Answer = append(answer.Answer, record)
		}
		switch label, _, _ := strings.Cut(question.Question[0].Name, "."); label {
		case "refused":
			answer.Rcode = dns.RcodeRefused
		case "missing":
			answer.Rcode = dns.RcodeNameError
		case "servfail":
			answer.Rcode = dns.RcodeServerFailure
		case "late":
			other := answer.Copy()
			other.Id, other.Rcode = answer.Id+1, dns.RcodeServerFailure
			_ = w.WriteMsg(other) // the answer to another question
			_ = w.WriteMsg(question)
		}
		if _, overUDP := w.RemoteAddr().(*net.UDPAddr); overUDP {
			answer.Truncate(dns.MinMsgSize)
		}
		_ = w.WriteMsg(answer) // the test sees what is missing
	})
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	datagrams, err := net.ListenPacket("udp", stream.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{Listener: stream, Handler: zone}, {PacketConn: datagrams, Handler: zone}} {
		go func() { _ = server.ActivateAndServe() }()
	}
	t.Cleanup(func() { _, _ = stream.Close(), datagrams.Close() })
	return stream.Addr().String()
}

func manyAddresses(n int) (records []string) {
	for i := range n {
		records = append(records, fmt.Sprintf("large.example.com. 60 IN A 192.0.2.%d", i))
	}
	return records
}

// datagrams answers each datagram with others, and returns the address.
func datagrams(t *testing.T, answer func(question []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		question := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			for _, datagram := range answer(question[:n]) {
				_, _ = conn.WriteTo(datagram, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// closedUDPPort returns an address at which no datagram is taken.
func closedUDPPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().String()
}

func TestDNS(t *testing.T) {
	t.Parallel()
	server := nameServer(t)
	ask := func(name, kind string, change ...func(*spec.DNSCheck)) spec.DNSCheck {
		v := spec.DefaultDNSCheck()
		v.Name, v.Type = name, kind
		for _, c := range change {
			c(&v)
		}
		return v
	}
	expect := func(answers ...string) func(*spec.DNSCheck) {
		return func(v *spec.DNSCheck) { v.ExpectedAnswers = answers }
	}
	code := func(rcode string) func(*spec.DNSCheck) {
		return func(v *spec.DNSCheck) { v.ExpectedRcode = rcode }
	}
	overTCP := func(v *spec.DNSCheck) { v.Protocol = spec.TCP }
	for name, tt := range map[string]struct {
		check spec.DNSCheck
		want  string
	}{
		"a name":                         {ask("www.example.com", "A"), "passed"},
		"a name over TCP":                {ask("www.example.com", "A", overTCP), "passed"},
		"a name with a dot":              {ask("www.example.com.", "A"), "passed"},
		"the expected addresses":         {ask("www.example.com", "A", expect("192.0.2.2", "192.0.2.1")), "passed"},
		"another address":                {ask("www.example.com", "A", expect("192.0.2.1", "192.0.2.9")), "the answers do not have the expected 192.0.2.9"},
		"IPv6":                           {ask("example.com", "AAAA", expect("2001:DB8:0::1")), "passed"},
		"a mail server":                  {ask("example.com", "MX", expect("10 mail.example.com")), "passed"},
		"a mail server of another rank":  {ask("example.com", "MX", expect("20 mail.example.com")), "the answers do not have the expected 20 mail.example.com"},
		"text":                           {ask("example.com", "TXT", expect(`"v=spf1 -all"`)), "passed"},
		"nothing of the type":            {ask("nothing.example.com", "A"), "passed"},
		"nothing of the type, of some":   {ask("nothing.example.com", "A", expect("192.0.2.1")), "the answers do not have the expected 192.0.2.1"},
		"no such name":                   {ask("missing.example.com", "A"), "response code NXDOMAIN, want NOERROR"},
		"no such name, as expected":      {ask("missing.example.com", "A", code("NXDOMAIN")), "passed"},
		"refused":                        {ask("refused.example.com", "A"), "response code REFUSED, want NOERROR"},
		"out of order":                   {ask("servfail.example.com", "A"), "response code SERVFAIL, want NOERROR"},
		"too much for a datagram":        {ask("large.example.com", "A", expect("192.0.2.99")), "the answer does not fit into a datagram: ask over tcp"},
		"too much, and nothing expected": {ask("large.example.com", "A"), "passed"},
		"much over TCP":                  {ask("large.example.com", "A", overTCP, expect("192.0.2.99")), "passed"},
		"after answers to others":        {ask("late.example.com", "A", expect("192.0.2.3")), "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probeServer(t, patience, ServerCheck{Server: key(server), DNS: &tt.check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDNSFromServersThatMisbehave(t *testing.T) {
	t.Parallel()
	garbage := func([]byte) [][]byte { return [][]byte{[]byte("SSH-2.0-OpenSSH_9.2p1\r\n")} }
	echo := func(question []byte) [][]byte { return [][]byte{question} }
	short := func([]byte) [][]byte { return [][]byte{{1, 2, 3}} }
	silent := func([]byte) [][]byte { return nil }
	for name, tt := range map[string]struct {
		protocol spec.Protocol
		address  string
		brief    bool
		want     string
	}{
		"refuses datagrams":            {spec.UDP, closedUDPPort(t), false, "connection refused"},
		"refuses connections":          {spec.TCP, closedPort(t), false, "connection refused"},
		"does not answer":              {spec.UDP, datagrams(t, silent), true, "no answer within 100ms"},
		"does not accept":              {spec.TCP, blackhole(t), true, "no answer within 100ms"},
		"sends garbage":                {spec.UDP, datagrams(t, garbage), false, "the answer is not DNS: bad rdata"},
		"sends three bytes":            {spec.UDP, datagrams(t, short), false, "the answer is not DNS: short read"},
		"sends the question back":      {spec.UDP, datagrams(t, echo), true, "no answer within 100ms"},
		"closes at once":               {spec.TCP, serve(t, hangUp), false, "the connection was closed without an answer"},
		"closes in the answer":         {spec.TCP, serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 512)); _, _ = c.Write([]byte{0, 100, 1}) }), false, "the connection was closed in the middle of the answer"},
		"sends another protocol":       {spec.TCP, serve(t, greets("SSH-2.0-OpenSSH_9.2p1\r\n")), true, "no answer within 100ms"},
		"sends megabytes of its own":   {spec.TCP, serve(t, endlessly(strings.Repeat("\x00\x01a", 1000))), false, "the answer is not DNS: short read"},
		"sends megabytes of questions": {spec.TCP, serve(t, endlessly("\x00\x0c"+strings.Repeat("\x00", 12))), true, "no answer within 100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, timeout := spec.DefaultDNSCheck(), patience
			check.Name, check.Protocol = "www.example.com", tt.protocol
			if tt.brief {
				timeout = brief
			}
			got := probeServer(t, timeout, ServerCheck{Server: key(tt.address), DNS: &check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDNSGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	there := netip.MustParseAddrPort(nameServer(t))
	port := int(there.Port())
	check := spec.DefaultDNSCheck()
	check.Name, check.Address, check.Port = "www.example.com", there.Addr(), &port
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), DNS: &check}); reason != "passed" {
		t.Error(reason)
	}
}
