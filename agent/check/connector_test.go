package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func newConnector(t *testing.T) *Connector {
	t.Helper()
	c, err := NewConnector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// connectServer has a Connector of its own do one round of a check, and returns what a person would read.
func connectServer(t *testing.T, timeout time.Duration, check ServerCheck) string {
	t.Helper()
	c := newConnector(t)
	over := make(chan error, 1)
	end, ok := c.Start(check, func(_ time.Time, err error) { over <- err })
	if !ok {
		return "not begun"
	}
	for deadline := time.Now().Add(timeout); ; {
		if err := c.Wait(min(time.Until(deadline), 10*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-over:
			return text(err)
		default:
		}
		if time.Now().After(deadline) {
			end(timeoutError{timeout})
			return text(<-over)
		}
	}
}

func TestConnectorLeavesOtherChecksToTheProber(t *testing.T) {
	t.Parallel()
	http := spec.DefaultHTTPCheck()
	for name, check := range map[string]ServerCheck{
		"expects":      {TCP: &spec.TCPCheck{Expect: "220 "}},
		"sends":        {TCP: &spec.TCPCheck{Send: "PING"}},
		"another kind": {HTTP: &http},
		"two kinds":    {TCP: &spec.TCPCheck{}, HTTP: &http},
		"a script":     {TCP: &spec.TCPCheck{}, Script: &ServerScript{Name: "db"}},
	} {
		check.Server = key("192.0.2.21:80")
		if got := connectServer(t, patience, check); got != "not begun" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestConnectorGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	there := netip.MustParseAddrPort(serve(t, hangUp))
	port := int(there.Port())
	check := ServerCheck{Server: key("[2001:db8::1]:0"), TCP: &spec.TCPCheck{Address: there.Addr(), Port: &port}}
	if got := connectServer(t, patience, check); got != "passed" {
		t.Error(got)
	}
}

func TestConnectorClosesItsConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	server := serve(t, func(c net.Conn) {
		_, err := io.ReadAll(c)
		closed <- err
	})
	c := newConnector(t)
	if _, ok := c.Start(ServerCheck{Server: key(server), TCP: &spec.TCPCheck{}}, func(time.Time, error) {}); !ok {
		t.Fatal("not begun")
	}
	if err := c.Wait(patience); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Errorf("the server's end: %v", err) // such as a reset, which it would log
		}
	case <-time.After(patience):
		t.Error("the connection is still open")
	}
}

// What comes at the same moment as the end of a check's time comes once.
func TestConnectorSaysOnceHowACheckEnds(t *testing.T) {
	t.Parallel()
	server := serve(t, hangUp)
	c := newConnector(t)
	const rounds = 200
	results := make(chan error, 2*rounds)
	var ends []func(error)
	for range rounds {
		end, _ := c.Start(ServerCheck{Server: key(server), TCP: &spec.TCPCheck{}}, func(_ time.Time, err error) { results <- err })
		ends = append(ends, end)
	}
	go func() {
		for _, end := range ends {
			end(errors.New("ended"))
			end(errors.New("ended again"))
		}
	}()
	for deadline := time.Now().Add(patience); !c.idle() && time.Now().Before(deadline); {
		if err := c.Wait(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		if got := text(<-results); got != "passed" && got != "ended" {
			t.Error(got)
		}
	}
	time.Sleep(brief)
	if n := len(results); n != 0 {
		t.Errorf("%d results too many", n)
	}
}

func TestConnectorIsWoken(t *testing.T) {
	t.Parallel()
	silent := ServerCheck{Server: key(blackhole(t)), TCP: &spec.TCPCheck{}}
	for name, start := range map[string]bool{"with nothing to do": false, "while a server is silent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConnector(t)
			if start {
				end, _ := c.Start(silent, func(time.Time, error) {})
				defer end(errors.New("over"))
			}
			for range 3 { // before it waits, or while
				go c.Wake()
				begin := time.Now()
				if err := c.Wait(time.Hour); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > patience {
					t.Errorf("it woke up after %s", took)
				}
			}
		})
	}
}

func TestConnectorWaitsItsTime(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	for _, d := range []time.Duration{-time.Second, 0, time.Microsecond, 5 * time.Millisecond, 100 * time.Millisecond} {
		begin := time.Now()
		if err := c.Wait(d); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < d-time.Millisecond || took > d+patience {
			t.Errorf("%s instead of %s", took, d)
		}
	}
}

// Not parallel: it counts descriptors.
func TestConnectorLeavesNoDescriptor(t *testing.T) {
	silent, dead, alive := blackhole(t), closedPort(t), serve(t, hangUp)
	c := newConnector(t)
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := descriptors()
	for range 20 {
		for _, server := range []string{silent, dead, alive, "255.255.255.255:80"} {
			end, _ := c.Start(ServerCheck{Server: key(server), TCP: &spec.TCPCheck{}}, func(time.Time, error) {})
			if err := c.Wait(time.Millisecond); err != nil {
				t.Fatal(err)
			}
			end(errors.New("over"))
		}
	}
	for deadline := time.Now().Add(patience); descriptors() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors before, %d after", before, descriptors())
		}
	}
	if diff := cmp.Diff(0, len(c.attempts)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestConnectorSaysWhyItCannotConnect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check ServerCheck
		want  string
	}{
		"to everybody":                  {ServerCheck{Server: key("255.255.255.255:80")}, "network is unreachable"},
		"from an address of others":     {ServerCheck{Server: key("127.0.0.1:80"), Source: "192.0.2.99"}, "the source 192.0.2.99 is no address of this director"},
		"from an interface of others":   {ServerCheck{Server: key("127.0.0.1:80"), Source: "eth99"}, "the source eth99 is no interface of this director"},
		"from an address, to a closed":  {ServerCheck{Server: key(closedPort(t)), Source: "127.0.0.2"}, "connection refused"},
		"from an address, to an opened": {ServerCheck{Server: key(serve(t, hangUp)), Source: "127.0.0.2"}, "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.check.TCP = &spec.TCPCheck{}
			if diff := cmp.Diff(tt.want, connectServer(t, patience, tt.check)); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

// With everything real: a Checker finds out which of its servers are well, and when one dies.
func TestCheckerByItsConnector(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mortal, closed, silent := l.Addr().String(), closedPort(t), blackhole(t)
	connector := newConnector(t)
	c := New(Config{Prober: Network{}, Starter: connector})
	c.Set(checked(cluster(mortal, closed, silent), func(v *spec.HealthCheck) {
		v.Interval, v.Timeout, v.Fall = spec.Duration(100*time.Millisecond), spec.Duration(90*time.Millisecond), 2
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	want := func(server string, v Verdict, reason string) {
		t.Helper()
		var gotVerdict Verdict
		var gotReason string
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if gotVerdict, gotReason = c.Server(key(server)); gotVerdict == v && gotReason == reason {
				return
			}
		}
		t.Errorf("%s is %s (%q), want %s (%q)", server, gotVerdict, gotReason, v, reason)
	}
	want(mortal, Passing, "")
	want(closed, Failing, "connection refused")
	want(silent, Failing, "no answer within 90ms")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	want(mortal, Failing, "connection refused")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !connector.idle() {
		t.Error("a connection is left behind")
	}
}
