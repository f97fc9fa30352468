package check

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// greets says a text, and then waits for the other side to close.
func greets(greeting string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		_, _ = io.Copy(io.Discard, c)
	}
}

func TestTCPSendsAndExpects(t *testing.T) {
	t.Parallel()
	redis := serve(t, func(c net.Conn) {
		if line, _ := bufio.NewReader(c).ReadString('\n'); line == "PING\r\n" {
			_, _ = io.WriteString(c, "+PONG\r\n")
		}
	})
	pieces := serve(t, func(c net.Conn) {
		for _, piece := range []string{"+PO", "NG", "\r\n"} {
			_, _ = io.WriteString(c, piece)
			time.Sleep(time.Millisecond)
		}
		_, _ = io.Copy(io.Discard, c)
	})
	flood := func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, strings.Repeat("a", 1000)); err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		address string
		timeout time.Duration
		check   spec.TCPCheck
		want    string
	}{
		"answers":               {redis, patience, spec.TCPCheck{Send: "PING\r\n", Expect: "+PONG"}, "passed"},
		"answers in pieces":     {pieces, patience, spec.TCPCheck{Expect: "+PONG\r\n"}, "passed"},
		"greets":                {serve(t, greets("220 ready\r\n")), patience, spec.TCPCheck{Expect: "220 "}, "passed"},
		"is sent to only":       {redis, patience, spec.TCPCheck{Send: "QUIT\r\n"}, "passed"},
		"says something else":   {serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "-LOADING\x00\xff\r\n") }), patience, spec.TCPCheck{Expect: "+PONG"}, `the answer does not contain the expected "+PONG": -LOADING ?`},
		"goes on waiting":       {serve(t, greets("-LOADING")), brief, spec.TCPCheck{Expect: "+PONG"}, "no answer within 100ms"},
		"closes at once":        {serve(t, func(net.Conn) {}), patience, spec.TCPCheck{Expect: "+PONG"}, "the connection was closed without an answer"},
		"says nothing":          {serve(t, greets("")), brief, spec.TCPCheck{Send: "PING\r\n", Expect: "+PONG"}, "no answer within 100ms"},
		"says too much":         {serve(t, flood), patience, spec.TCPCheck{Expect: "+PONG"}, `the first 64 KiB do not contain the expected "+PONG"`},
		"says it at the end":    {serve(t, greets(strings.Repeat("a", maxTCPAnswer-2)+"ok")), patience, spec.TCPCheck{Expect: "ok"}, "passed"},
		"says it after the end": {serve(t, greets(strings.Repeat("a", maxTCPAnswer-1)+"ok")), patience, spec.TCPCheck{Expect: "ok"}, `the first 64 KiB do not contain the expected "ok"`},
		"refuses":               {closedPort(t), patience, spec.TCPCheck{Expect: "+PONG"}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := probeServer(t, tt.timeout, ServerCheck{Server: key(tt.address), TCP: &tt.check})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTCPGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	there := netip.MustParseAddrPort(serve(t, greets("hello")))
	port := int(there.Port())
	check := spec.TCPCheck{Address: there.Addr(), Port: &port, Expect: "hello"}
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), TCP: &check}); reason != "passed" {
		t.Error(reason)
	}
}
