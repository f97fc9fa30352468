package examples

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Each example is applied to two directors, plans no change, does what it is for, and leaves nothing behind.
func TestExamples(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		build func(*testing.T, *site) // the rest of the network
		check func(*testing.T, *site)
		vips  []string
	}{
		"ha-pair-dr":    {webServers, checkTakeover, []string{vip}},
		"ha-pair-nat":   {insideServers, checkNAT, []string{vip, "10.0.0.1"}},
		"master-master": {masterMasterServers, checkMasterMaster, []string{vip, "192.0.2.101"}},
		"tunnel":        {tunnelServers, checkBothAnswer, []string{vip}},
		"ipv6":          {servers6, checkIPv6, []string{vip6, "fe80::33"}},
		"fwmark":        {markedServers, checkOneServiceOfTwoPorts, []string{vip}},
		"sorry-server":  {sorryServers, checkSorryServer, []string{vip}},
		"udp-dns":       {nameServers, checkEachPacketIsScheduled, []string{vip}},
		"large-pool":    {manyServers, checkAllAreInTheTable, []string{vip, "10.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, name, map[string]string{"ports": fmt.Sprint(ports)})
			tt.build(t, s)
			s.start(t, s.directors()...)
			if name == "master-master" {
				s.terraform(t, "get") // its module
			}
			s.terraform(t, "apply", "-auto-approve")
			s.wantNoChanges(t)
			tt.check(t, s)
			s.terraform(t, "destroy", "-auto-approve", "-refresh=false") // the plan has just seen it
			for _, d := range s.directors() {
				if got := table(t, d); got != "" {
					t.Errorf("left in the table of %s:\n%s", d.Host.Name(), got)
				}
				for _, address := range tt.vips {
					if has(t, d, address) {
						t.Errorf("left on %s: %s", d.Host.Name(), address)
					}
				}
			}
		})
	}
}

const (
	vip     = "192.0.2.100"
	service = vip + ":80"
)

func webServers(t *testing.T, s *site) {
	web(t, s.Network, "rs1", "192.0.2.21/24", []uint16{80}, vip)
	web(t, s.Network, "rs2", "192.0.2.22/24", []uint16{80}, vip)
}

func checkTakeover(t *testing.T, s *site) {
	wantActive(t, s.d1, s.d2, vip)
	s.wantAnswers(t, service, "rs1", "rs2")
	if err := s.d1.Host.Cut(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d2 has the address", func() bool { return has(t, s.d2, vip) })
	s.wantAnswers(t, service, "rs1", "rs2")
	if err := s.d1.Host.Restore(); err != nil {
		t.Fatal(err)
	}
	wantActive(t, s.d1, s.d2, vip)
}

// inside is a network behind the directors, with a real server for each address.
func inside(t *testing.T, s *site, ports ...uint16) {
	network := lab.Start(t)
	for i, d := range s.directors() {
		if err := d.Host.PlugInto(network, "eth1", netip.MustParsePrefix(fmt.Sprintf("10.0.0.1%d/24", i+1))); err != nil {
			t.Fatal(err)
		}
		h := web(t, network, fmt.Sprintf("rs%d", i+1), fmt.Sprintf("10.0.0.2%d/24", i+1), ports)
		if err := h.AddDefaultRoute(netip.MustParseAddr("10.0.0.1")); err != nil {
			t.Fatal(err)
		}
	}
}

func insideServers(t *testing.T, s *site) { inside(t, s, 8080) }

func checkNAT(t *testing.T, s *site) {
	wantActive(t, s.d1, s.d2, vip, "10.0.0.1")
	s.wantAnswers(t, service, "rs1", "rs2")
	failover(t, s.d1, "outside")
	wantActive(t, s.d2, s.d1, vip, "10.0.0.1")
	s.wantAnswers(t, service, "rs1", "rs2")
}

func masterMasterServers(t *testing.T, s *site) {
	web(t, s.Network, "rs1", "192.0.2.21/24", []uint16{80}, vip, "192.0.2.101")
	web(t, s.Network, "rs2", "192.0.2.22/24", []uint16{80}, vip, "192.0.2.101")
}

func checkMasterMaster(t *testing.T, s *site) {
	wantActive(t, s.d1, s.d2, vip)
	wantActive(t, s.d2, s.d1, "192.0.2.101")
	both := func() {
		s.wantAnswers(t, service, "rs1", "rs2")
		s.wantAnswers(t, "192.0.2.101:80", "rs1", "rs2")
	}
	both()
	if err := s.d2.Host.Cut(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d1 has both addresses", func() bool { return has(t, s.d1, vip) && has(t, s.d1, "192.0.2.101") })
	both()
	if err := s.d2.Host.Restore(); err != nil {
		t.Fatal(err)
	}
	wantActive(t, s.d2, s.d1, "192.0.2.101")
}

func checkBothAnswer(t *testing.T, s *site) { s.wantAnswers(t, service, "rs1", "rs2") }

// tunnelServers puts the real servers behind a router, which is the directors' way to them.
func tunnelServers(t *testing.T, s *site) {
	network := lab.Start(t)
	router := s.Host(t, "router", "192.0.2.2/24")
	if err := router.PlugInto(network, "eth1", netip.MustParsePrefix("198.51.100.1/24")); err != nil {
		t.Fatal(err)
	}
	if err := router.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.directors() {
		if err := d.Host.AddDefaultRoute(netip.MustParseAddr("192.0.2.2")); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i <= 2; i++ {
		address := fmt.Sprintf("198.51.100.2%d", i)
		h := web(t, network, fmt.Sprintf("rs%d", i), address+"/24", []uint16{80})
		if err := h.AddDefaultRoute(netip.MustParseAddr("198.51.100.1")); err != nil {
			t.Fatal(err)
		}
		run(t, h, "ip", "link", "add", "ipip0", "type", "ipip", "local", address)
		run(t, h, "ip", "address", "add", vip+"/32", "dev", "ipip0")
		run(t, h, "ip", "link", "set", "ipip0", "up")
	}
}

const vip6 = "2001:db8::100"

func servers6(t *testing.T, s *site) {
	web(t, s.Network, "rs1", "2001:db8::21/64", []uint16{80}, vip6)
	web(t, s.Network, "rs2", "2001:db8::22/64", []uint16{80}, vip6)
}

func checkIPv6(t *testing.T, s *site) {
	wantActive(t, s.d1, s.d2, vip6, "fe80::33")
	s.wantAnswers(t, "["+vip6+"]:80", "rs1", "rs2")
	failover(t, s.d1, "web")
	wantActive(t, s.d2, s.d1, vip6, "fe80::33")
	s.wantAnswers(t, "["+vip6+"]:80", "rs1", "rs2")
}

func markedServers(t *testing.T, s *site) {
	for _, d := range s.directors() {
		run(t, d.Host, "iptables-legacy-restore", "--noflush", filepath.Join(folder, "fwmark", "directors.rules"))
	}
	web(t, s.Network, "rs1", "192.0.2.21/24", []uint16{80, 443}, vip)
	web(t, s.Network, "rs2", "192.0.2.22/24", []uint16{80, 443}, vip)
}

// A client that has been to one port is at the same server on the other.
func checkOneServiceOfTwoPorts(t *testing.T, s *site) {
	first := s.answersFrom(t, service)
	for _, target := range []string{vip + ":443", service, vip + ":443"} {
		if got := s.answersFrom(t, target); got != first {
			t.Errorf("%s answered at %s, and %s at %s", first, service, got, target)
		}
	}
}

func sorryServers(t *testing.T, s *site) {
	s.servers = []*lab.Host{
		web(t, s.Network, "rs1", "192.0.2.21/24", []uint16{80}, vip),
		web(t, s.Network, "rs2", "192.0.2.22/24", []uint16{80}, vip),
	}
	web(t, s.Network, "sorry", "192.0.2.99/24", []uint16{80}, vip)
}

func checkSorryServer(t *testing.T, s *site) {
	s.wantAnswers(t, service, "rs1", "rs2")
	// They fail as they do when somebody pulls the cable.
	for _, h := range s.servers {
		if err := h.Cut(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "d1 has the sorry server", func() bool { return strings.Contains(table(t, s.d1), "-r 192.0.2.99:80 -g -w 1\n") })
	s.wantAnswers(t, service, "sorry")
	for _, h := range s.servers {
		if err := h.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "d1 has the servers back", func() bool {
		got := table(t, s.d1)
		return strings.Contains(got, "-r 192.0.2.21:80 -g -w 1\n") && strings.Contains(got, "-r 192.0.2.22:80 -g -w 1\n")
	})
	s.wantAnswers(t, service, "rs1", "rs2")
}

// nameServers answer every question with their names, on their own addresses, for the check, and on the virtual one.
func nameServers(t *testing.T, s *site) {
	for i := 1; i <= 2; i++ {
		own := fmt.Sprintf("192.0.2.2%d", i)
		h := web(t, s.Network, fmt.Sprintf("rs%d", i), own+"/24", nil, vip)
		for _, address := range []string{own, vip} {
			var socket net.PacketConn
			if err := h.Do(func() (err error) {
				socket, err = (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", address+":53")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			background(t, nameServer{&dns.Server{PacketConn: socket, Handler: answerWith(h.Name())}})
		}
	}
}

func answerWith(name string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		answer.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: question.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{name}}}
		_ = w.WriteMsg(answer) // one that is lost is asked for again
	}
}

// nameServer answers until the context ends.
type nameServer struct{ *dns.Server }

func (n nameServer) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = n.Shutdown() })
	defer stop()
	return n.ActivateAndServe()
}

// Requests from one and the same port go to the servers in turn: none is remembered.
func checkEachPacketIsScheduled(t *testing.T, s *site) {
	wantActive(t, s.d1, s.d2, vip)
	socket, err := s.client.DialContext(t.Context(), "udp", vip+":53")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	answers := map[string]int{}
	eventually(t, "both name servers answer", func() bool {
		question := new(dns.Msg).SetQuestion("example.com.", dns.TypeTXT)
		answer, _, err := (&dns.Client{Timeout: time.Second}).ExchangeWithConn(question, &dns.Conn{Conn: socket})
		if err == nil && len(answer.Answer) == 1 {
			answers[answer.Answer[0].(*dns.TXT).Txt[0]]++
		}
		return answers["rs1"] > 1 && answers["rs2"] > 1
	})
	if connections, err := s.d1.Host.Output(t.Context(), "ipvsadm", "-Lnc"); err != nil || strings.Contains(connections, "UDP") {
		t.Errorf("the kernel remembers connections (%v):\n%s", err, connections)
	}
}

// The large pool's ports: the first as its variables.tf says, and fewer of them than there, for a guest is slow.
const firstPort, ports = 9000, 50

func manyServers(t *testing.T, s *site) {
	all := make([]uint16, ports)
	for i := range all {
		all[i] = firstPort + uint16(i)
	}
	inside(t, s, all...)
}

func checkAllAreInTheTable(t *testing.T, s *site) {
	for _, d := range s.directors() {
		eventually(t, d.Host.Name()+" has all servers with their weight", func() bool { return strings.Count(table(t, d), " -m -w 1\n") == 2*ports })
	}
	s.wantAnswers(t, service, "rs1", "rs2")
}

// Every folder of examples/ that is a configuration of its own is applied by a test.
func TestEveryExampleIsTested(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("examples_test.go")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{
		"quickstart": "provider", "provider": "provider", "resources": "provider", "data-sources": "provider", "functions": "provider",
		"guides": "provider", "modules": "by master-master", "migrate-from-keepalived": "by TestMigrationFromKeepalivedBreaksNothing",
	}
	for _, entry := range entries {
		if entry.IsDir() && elsewhere[entry.Name()] == "" && !strings.Contains(string(source), fmt.Sprintf("%q:", entry.Name())) {
			t.Errorf("examples/%s is applied by no test", entry.Name())
		}
	}
}
