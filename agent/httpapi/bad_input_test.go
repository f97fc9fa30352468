package httpapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestABodyThatIsNoObjectIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body   string
		status int
		words  string
	}{
		"nothing":                        {"", 400, ""},
		"blanks":                         {" \n ", 400, ""},
		"null":                           {"null", 400, ""},
		"a list":                         {"[]", 400, ""},
		"two objects":                    {service + service, 400, ""},
		"half an object":                 {service[:len(service)/2], 400, ""},
		"deep nesting":                   {strings.Repeat(`{"health_check":`, 50_000), 400, ""},
		"deep nesting that ends":         {strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000), 400, ""},
		"deep nesting inside":            {strings.Replace(service, `"tcp":{}`, `"http":{"expected_json":{"/a":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}}`, 1), 400, ""},
		"invalid UTF-8":                  {strings.Replace(service, "wrr", "w\xffr", 1), 400, "UTF-8"},
		"half a surrogate":               {strings.Replace(service, "wrr", `w\ud800r`, 1), 400, ""},
		"a field twice":                  {strings.Replace(service, `"port":80`, `"port":80,"port":80`, 1), 400, "given twice"},
		"a field twice, once escaped":    {strings.Replace(service, `"port":80`, `"port":80,"p\u006frt":80`, 1), 400, "given twice"},
		"a number that is too large":     {strings.Replace(service, `:80`, `:65536`, 1), 422, "out of range"},
		"a number beyond all bounds":     {strings.Replace(service, `:80`, `:1e999`, 1), 400, ""},
		"a number of many digits":        {strings.Replace(service, `:80`, `:`+strings.Repeat("9", 10_000), 1), 400, ""},
		"a number that is none":          {strings.Replace(service, `:80`, `:NaN`, 1), 400, ""},
		"a fraction":                     {strings.Replace(service, `:80`, `:80.5`, 1), 400, ""},
		"a negative number":              {strings.Replace(service, `:80`, `:-1`, 1), 422, "out of range"},
		"a number in quotes":             {strings.Replace(service, `:80`, `:"80"`, 1), 400, ""},
		"a duration beyond all bounds":   {strings.Replace(service, `"2s"`, `"9999999999h"`, 1), 400, ""},
		"a negative duration":            {strings.Replace(service, `"2s"`, `"-2s"`, 1), 422, ""},
		"a control character in a field": {strings.Replace(service, "wrr", "w\x00r", 1), 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if answer := f.want(t, tt.status, "PUT", servicePath, tt.body); !strings.Contains(answer, tt.words) || len(answer) > 100_000 {
				t.Errorf("answered %.1000s", answer)
			}
			if f.store.Desired().Revision != 0 || f.applied.Load() != 0 {
				t.Error("something was done")
			}
		})
	}
}

func TestANameThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string // behind the kind
		status int
	}{
		"a slash":                        {"a%2Fb", 422},
		"a path to somewhere":            {"..%2F..%2Fetc%2Fpasswd", 422},
		"dots":                           {"%2e%2e", 422},
		"a dot":                          {"%2e", 422},
		"a NUL":                          {"a%00b", 422},
		"300 characters":                 {strings.Repeat("a", 300), 422},
		"64 characters":                  {strings.Repeat("a", 64), 422},
		"63 characters":                  {strings.Repeat("a", 63), 201},
		"a percent-encoding of a letter": {"%77eb", 201},
		"one that is encoded twice":      {"%2577eb", 422},
		"no UTF-8":                       {"%ff", 422},
		"a line break":                   {"a%0Ab", 422},
		"a capital":                      {"Web", 422},
		"a letter of another alphabet":   {"w%D0%B5b", 422},
		"a blank":                        {"%20", 422},
		"nothing":                        {"", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, body := range map[string]string{"virtual-servers": service, "vrrp-instances": instance, "check-scripts": script} {
				f := newFixture(t)
				answer := f.want(t, tt.status, "PUT", "/v1/"+kind+"/"+tt.path, body)
				if stored := f.store.Desired().Revision == 1; stored != (tt.status == http.StatusCreated) || !strings.HasPrefix(answer, "{") {
					t.Errorf("stored: %t, answered %s", stored, answer)
				}
			}
			f := newFixture(t)
			want := map[int]int{422: 404, 201: 404, 404: 404}[tt.status]
			f.want(t, want, "GET", "/v1/virtual-servers/"+tt.path, "")
		})
	}
}

// zeros is a body without end.
type zeros struct{ sent atomic.Int64 }

func (z *zeros) Read(p []byte) (int, error) {
	z.sent.Add(int64(len(p)))
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

func TestABodyOfAGigabyteIsRefusedBeforeItIsRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address := listening(t, 0, f.handler)
	for name, path := range map[string]string{"an object": servicePath, "a group": "/v1/virtual-servers/web/real-servers", "a path that takes none": "/v1/snapshot"} {
		for _, length := range []int64{1 << 30, -1} {
			body := &zeros{}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+address+path, io.LimitReader(body, 1<<30))
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				if answer.StatusCode < 400 {
					t.Errorf("%s of %d bytes was answered %d", name, length, answer.StatusCode)
				}
				_ = answer.Body.Close()
			} // else the connection was closed while it was sent
			if sent := body.sent.Load(); sent > 2*maxGroup {
				t.Errorf("of %s %d bytes were taken", name, sent)
			}
		}
	}
	f.want(t, http.StatusRequestEntityTooLarge, "PUT", servicePath, strings.Repeat(" ", MaxBody+1))
	f.want(t, http.StatusOK, "GET", "/v1/status", "")
}

func TestATokenInTheURLIsNone(t *testing.T) {
	t.Parallel()
	tokens, err := ParseTokens([]byte(line("a", "write", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Tokens: tokens, Version: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, url := range []string{"/v1/status?token=secret", "/v1/status?access_token=secret", "/v1/status?Authorization=Bearer%20secret"} {
		if answer := f.want(t, http.StatusUnauthorized, "GET", url, ""); strings.Contains(answer, "secret") {
			t.Errorf("answered %s", answer)
		}
	}
	f.want(t, http.StatusUnauthorized, "GET", "/v1/status", "", "Authorization", "Basic c2VjcmV0OnNlY3JldA==")
	if strings.Contains(log.String(), "secret") {
		t.Errorf("it is in the log: %s", log.String())
	}
}

func TestAnExpiredClientCertificateIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := lab.NewCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue("server", netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		until   time.Time
		refused bool
	}{
		"expired": {time.Now().Add(-time.Minute), true},
		"good":    {time.Now().Add(time.Hour), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, clientCA := selfSigned(t, tt.until)
			base := serve(t, TLSFiles{Cert: cert, Key: key, ClientCA: clientCA}, nil)
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(t, ca), Certificates: []tls.Certificate{own}}}}
			defer client.CloseIdleConnections()
			answer, err := client.Get(base + "/v1/status")
			if err == nil {
				_ = answer.Body.Close()
			}
			if refused := err != nil; refused != tt.refused || refused && !strings.Contains(err.Error(), "expired certificate") {
				t.Errorf("it was let in: %t, %v", err == nil, err)
			}
		})
	}
}

// selfSigned makes a client's certificate, and the file of the CA that it is itself.
func selfSigned(t *testing.T, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client-ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

// What is no HTTP, or hardly, ends the connection and nothing else.
func TestWhatIsNoHTTPIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address := listening(t, 0, f.handler)
	for name, text := range map[string]string{
		"nothing like it":        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"a header without end":   "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes) + "\r\n\r\n",
		"two lengths":            "PUT " + servicePath + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"a length and a coding":  "PUT " + servicePath + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300\r\nTransfer-Encoding: chunked\r\n\r\nx",
		"a length below nothing": "PUT " + servicePath + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
		"two hosts":              "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
		"a NUL in the path":      "GET /v1/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprint(conn, text) // it may be closed before all of it is sent
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // there is no more to come
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		answer := make([]byte, 1024)
		n, _ := conn.Read(answer)
		if status := string(answer[:n]); n > 0 && strings.HasPrefix(status, "HTTP/1.1 2") {
			t.Errorf("%s was answered %q", name, status)
		}
		_ = conn.Close()
	}
	if f.store.Desired().Revision != 0 {
		t.Error("something was stored")
	}
}
