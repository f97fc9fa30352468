package wiretest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// patience is the timeout of checks that end by themselves.
	patience = 20 * time.Second
	// brief is the timeout of checks that are meant to run into it.
	brief = 200 * time.Millisecond
)

// pair is a director and a server on one network.
func pair(t *testing.T) (director, server *lab.Host) {
	t.Helper()
	network := lab.Start(t)
	return network.Host(t, "d1", "192.0.2.11/24", "192.0.2.12/24", "2001:db8::11/64"), network.Host(t, "rs1", "192.0.2.21/24", "2001:db8::21/64")
}

// probe runs one round of a check on a host, and returns what a person would read.
func probe(t *testing.T, from *lab.Host, timeout time.Duration, to string, c check.ServerCheck) string {
	t.Helper()
	prober := check.Network{Dial: func(d *net.Dialer, ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = from.Do(func() (err error) {
			conn, err = d.DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c.Server = spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort(to)}
	if err := prober.Server(ctx, c); err != nil {
		return err.Error()
	}
	return "passed"
}

// connect has a Connector on a host do one round of a check that it does alone, and returns what a person would read.
func connect(t *testing.T, from *lab.Host, to string, c check.ServerCheck) string {
	t.Helper()
	connector, err := check.NewConnector()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connector.Close() }()
	c.Server = spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort(to)}
	over := make(chan error, 1)
	if err := from.Do(func() error {
		if _, ok := connector.Start(c, func(_ time.Time, err error) { over <- err }); !ok {
			return errors.New("it does not do this check alone")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err := connector.Wait(10 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-over:
			if err != nil {
				return err.Error()
			}
			return "passed"
		default:
		}
	}
	return "no answer"
}

func run(t *testing.T, h *lab.Host, argv ...string) {
	t.Helper()
	if _, err := h.Output(t.Context(), argv...); err != nil {
		t.Fatal(err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	director, server := pair(t)
	run(t, director, "ip", "route", "add", "unreachable", "198.51.100.1/32")
	run(t, server, "ip", "route", "add", "unreachable", "198.51.100.2/32")
	run(t, director, "ip", "route", "add", "198.51.100.2/32", "via", "192.0.2.21")
	if err := server.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	elsewhere := netip.MustParseAddr("192.0.2.21")
	for name, tt := range map[string]struct {
		to    string
		check spec.PingCheck
		want  string
	}{
		"over IPv4":                     {"192.0.2.21:0", spec.PingCheck{}, "passed"},
		"over IPv6":                     {"[2001:db8::21]:443", spec.PingCheck{}, "passed"},
		"to an address of its own":      {"[2001:db8::99]:443", spec.PingCheck{Address: elsewhere}, "passed"},
		"to where no route leads":       {"198.51.100.1:80", spec.PingCheck{}, "no route to host"},
		"to what a router cannot reach": {"198.51.100.2:80", spec.PingCheck{}, "no route to host"},
	} {
		if diff := cmp.Diff(tt.want, probe(t, director, patience, tt.to, check.ServerCheck{Ping: &tt.check})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	if err := server.SetSysctl("net.ipv4.icmp_echo_ignore_all", "1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("context deadline exceeded", probe(t, director, brief, "192.0.2.21:0", check.ServerCheck{Ping: &spec.PingCheck{}})); diff != "" {
		t.Errorf("to a machine that does not answer (-want +got):\n%s", diff)
	}
}

// Many at once to one machine: each has to find its own reply among those to all.
func TestPingsAtTheSameTime(t *testing.T) {
	t.Parallel()
	director, _ := pair(t)
	results := make(chan string)
	for range 50 {
		go func() {
			results <- probe(t, director, patience, "192.0.2.21:0", check.ServerCheck{Ping: &spec.PingCheck{}})
		}()
	}
	for range 50 {
		if got := <-results; got != "passed" {
			t.Error(got)
		}
	}
}

func TestUDPHearsThatAServerIsNotThere(t *testing.T) {
	t.Parallel()
	director, server := pair(t)
	run(t, server, "ip", "route", "add", "unreachable", "198.51.100.2/32")
	run(t, director, "ip", "route", "add", "198.51.100.2/32", "via", "192.0.2.21")
	if err := server.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"192.0.2.21:514":     "connection refused",
		"[2001:db8::21]:514": "connection refused",
		"198.51.100.2:514":   "no route to host",
	} {
		if diff := cmp.Diff(want, probe(t, director, patience, to, check.ServerCheck{UDP: &spec.UDPCheck{}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", to, diff)
		}
	}
}

// greeter tells each client over TCP and UDP at port 80 which address it comes from, and us which came over TCP.
func greeter(t *testing.T, h *lab.Host) (seen <-chan string) {
	t.Helper()
	clients := make(chan string, 100)
	for _, at := range []string{"192.0.2.21:80", "[2001:db8::21]:80"} {
		stream, err := h.Listen(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		var datagrams net.PacketConn
		err = h.Do(func() (err error) {
			datagrams, err = net.ListenPacket("udp", at)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = stream.Close(), datagrams.Close() })
		go func() {
			for {
				conn, err := stream.Accept()
				if err != nil {
					return
				}
				clients <- conn.RemoteAddr().String()
				_, _ = io.WriteString(conn, conn.RemoteAddr().String())
				_ = conn.Close()
			}
		}()
		go func() {
			for {
				_, from, err := datagrams.ReadFrom(make([]byte, 100))
				if err != nil {
					return
				}
				_, _ = datagrams.WriteTo([]byte(from.String()), from)
			}
		}()
	}
	return clients
}

func TestCheckLeavesByItsSource(t *testing.T) {
	t.Parallel()
	director, server := pair(t)
	seen := greeter(t, server)
	for name, tt := range map[string]struct {
		source, to, from, want string
	}{
		"none":                          {"", "192.0.2.21:80", "192.0.2.11:", "passed"},
		"an address":                    {"192.0.2.12", "192.0.2.21:80", "192.0.2.12:", "passed"},
		"an IPv6 address":               {"2001:db8::11", "[2001:db8::21]:80", "[2001:db8::11]:", "passed"},
		"an interface":                  {"eth0", "192.0.2.21:80", "192.0.2.11:", "passed"},
		"an interface for IPv6":         {"eth0", "[2001:db8::21]:80", "[2001:db8::11]:", "passed"},
		"an address of somebody else":   {"192.0.2.99", "192.0.2.21:80", "", "the source 192.0.2.99 is no address of this director"},
		"an interface of somebody else": {"eth9", "192.0.2.21:80", "", "the source eth9 is no interface of this director"},
	} {
		for kind, c := range map[string]check.ServerCheck{
			"tcp":  {TCP: &spec.TCPCheck{Expect: tt.from}},
			"udp":  {UDP: &spec.UDPCheck{Expect: tt.from}},
			"ping": {Ping: &spec.PingCheck{}},
		} {
			c.Source = tt.source
			if diff := cmp.Diff(tt.want, probe(t, director, patience, tt.to, c)); diff != "" {
				t.Errorf("%s over %s (-want +got):\n%s", name, kind, diff)
			}
			if kind == "tcp" && tt.want == "passed" {
				<-seen
			}
		}
		if diff := cmp.Diff(tt.want, connect(t, director, tt.to, check.ServerCheck{TCP: &spec.TCPCheck{}, Source: tt.source})); diff != "" {
			t.Errorf("%s by the Connector (-want +got):\n%s", name, diff)
		} else if tt.want == "passed" {
			if client := <-seen; !strings.HasPrefix(client, tt.from) {
				t.Errorf("%s by the Connector: it comes from %s, want %s", name, client, tt.from)
			}
		}
	}
}

// The router in between sees the mark: a rule for it leads nowhere.
func TestCheckBearsItsMark(t *testing.T) {
	t.Parallel()
	director, server := pair(t)
	greeter(t, server)
	run(t, director, "ip", "rule", "add", "fwmark", "4294967295", "unreachable")
	for kind, c := range map[string]check.ServerCheck{
		"tcp":  {TCP: &spec.TCPCheck{}},
		"udp":  {UDP: &spec.UDPCheck{}},
		"ping": {Ping: &spec.PingCheck{}},
	} {
		for mark, want := range map[int64]string{0: "passed", 5: "passed", 4294967295: "network is unreachable"} {
			c.FirewallMark = mark
			if diff := cmp.Diff(want, probe(t, director, patience, "192.0.2.21:80", c)); diff != "" {
				t.Errorf("%s with mark %d (-want +got):\n%s", kind, mark, diff)
			}
			if kind != "tcp" {
				continue
			}
			if diff := cmp.Diff(want, connect(t, director, "192.0.2.21:80", c)); diff != "" {
				t.Errorf("by the Connector with mark %d (-want +got):\n%s", mark, diff)
			}
		}
	}
}

// A connection to a free port of the director itself may be given that very port, and is then its own other end.
func TestConnectionThatMeetsItselfIsNoServer(t *testing.T) {
	t.Parallel()
	director, _ := pair(t)
	if err := director.SetSysctl("net.ipv4.ip_local_port_range", "40000 40000"); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"192.0.2.11:40000", "[2001:db8::11]:40000"} {
		if diff := cmp.Diff("connection refused", connect(t, director, to, check.ServerCheck{TCP: &spec.TCPCheck{}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", to, diff)
		}
	}
}
