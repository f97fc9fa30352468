package check

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// patience is the timeout of checks that end by themselves.
	patience = 20 * time.Second
	// brief is the timeout of checks that are meant to run into it.
	brief = 100 * time.Millisecond
)

// probeServer runs one round of a check over the network, and returns what a person would read.
func probeServer(t *testing.T, timeout time.Duration, check ServerCheck) string {
	t.Helper()
	ctx, cancel := withTimeout(t.Context(), timeout)
	defer cancel()
	return text(Network{}.Server(ctx, check))
}

func text(err error) string {
	if err == nil {
		return "passed"
	}
	return err.Error()
}

func key(address string) spec.ServerKey {
	return spec.ServerKey{VirtualServer: "web", Address: netip.MustParseAddrPort(address)}
}

// serve hands each connection to handle, and returns the address.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// raw answers a request with a text, and closes.
func raw(answer string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, answer)
	}
}

// endless answers a request with a beginning, and then with the same again and again.
func endless(beginning, more string) func(net.Conn) {
	return func(c net.Conn) {
		raw(beginning)(c)
		for {
			if _, err := io.WriteString(c, more); err != nil {
				return
			}
		}
	}
}

// bound returns a socket with a port of its own on which nothing listens yet.
func bound(t *testing.T) (fd int, address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}

// closedPort returns an address that refuses connections for as long as the test runs.
func closedPort(t *testing.T) string {
	t.Helper()
	_, address := bound(t)
	return address
}

// blackhole returns an address that does not answer: its queue of connections is full, and the kernel
// drops what comes.
func blackhole(t *testing.T) string {
	t.Helper()
	fd, address := bound(t)
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 16 {
		conn, err := net.DialTimeout("tcp", address, brief)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the queue of connections does not fill up")
	return ""
}

// endlessly says the same again and again.
func endlessly(text string) func(net.Conn) {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// selfSigned returns a certificate for 127.0.0.1, ::1, example.com and *.example.com, and itself in PEM, which has
// signed it.
func selfSigned(t *testing.T) (server *tls.Config, ca string) {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	return &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
}

// hangUp says nothing and closes, without a reset for what it did not read.
func hangUp(c net.Conn) {
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}
