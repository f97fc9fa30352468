package wiretest

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// nginxConfig is for a folder with www, users, and the certificates that ca.Issue makes for rs1.
const nginxConfig = `
daemon off;
master_process off;
pid FOLDER/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  server {
    listen 192.0.2.21:80;
    root FOLDER/www;
    location = /health { return 200 '{"status":"up","checks":[{"name":"db","ok":true}]}'; }
    location = /sick { return 503 '{"status":"down"}'; }
    location = /moved { return 302 /health; }
    location = /secure { return 301 https://www.example.com/; }
    location /private/ { auth_basic private; auth_basic_user_file FOLDER/users; }
  }
  server {
    listen 192.0.2.21:8080 http2;
    return 200 $server_protocol;
  }
  server {
    listen 192.0.2.21:443 ssl http2;
    ssl_certificate FOLDER/rs1.pem;
    ssl_certificate_key FOLDER/rs1-key.pem;
    ssl_client_certificate FOLDER/ca.pem;
    ssl_verify_client optional;
    location = /mine { if ($ssl_client_verify != SUCCESS) { return 403; } return 200 $ssl_client_s_dn; }
    location / { return 200 $server_protocol; }
  }
}
`

// startNginx runs nginx on a host until the test ends, and returns the folder with its certificates.
func startNginx(t *testing.T, on *lab.Host) (folder string) {
	t.Helper()
	folder = t.TempDir()
	ca, err := lab.NewCA(folder)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"rs1": "192.0.2.21", "d1": "192.0.2.11"} {
		if _, _, err := ca.Issue(name, netip.MustParseAddr(address)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, "nginx.conf"), strings.ReplaceAll(nginxConfig, "FOLDER", folder))
	write(t, filepath.Join(folder, "users"), "lvs:{PLAIN}s3cret\n")
	write(t, filepath.Join(folder, "www", "private", "page"), "welcome")
	write(t, filepath.Join(folder, "www", "large"), strings.Repeat("a", 2<<20))

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	nginx := on.Command(ctx, "nginx", "-e", "stderr", "-p", folder, "-c", filepath.Join(folder, "nginx.conf"))
	var said bytes.Buffer
	nginx.Stderr = &said
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = nginx.Wait() // it was killed
		if t.Failed() {
			t.Logf("nginx said:\n%s", said.String())
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := on.DialContext(t.Context(), "tcp", "192.0.2.21:443")
		if err == nil {
			_ = conn.Close()
			return folder
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not answer: %v", err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHTTPOfNginx(t *testing.T) {
	t.Parallel()
	director, server := pair(t)
	folder := startNginx(t, server)
	known := spec.DefaultTLSCheck()
	known.CACertPEM = read(t, filepath.Join(folder, "ca.pem"))
	unknown, mine, soon, other := spec.DefaultTLSCheck(), known, known, known
	mine.ClientCertPEM, mine.ClientKeyPEM = read(t, filepath.Join(folder, "d1.pem")), spec.Secret(read(t, filepath.Join(folder, "d1-key.pem")))
	soon.MinValidity = spec.Duration(48 * time.Hour)
	other.ServerName = "www.example.com"
	get := func(path string, change ...func(*spec.HTTPCheck)) spec.HTTPCheck {
		v := spec.DefaultHTTPCheck()
		v.Path = path
		for _, c := range change {
			c(&v)
		}
		return v
	}
	json := func(values map[string]string) func(*spec.HTTPCheck) {
		return func(v *spec.HTTPCheck) { v.ExpectedJSON = values }
	}
	who := func(name string, password spec.Secret) func(*spec.HTTPCheck) {
		return func(v *spec.HTTPCheck) { v.BasicAuth = &spec.BasicAuth{Username: name, Password: password} }
	}
	over := func(how spec.TLSCheck) func(*spec.HTTPCheck) { return func(v *spec.HTTPCheck) { v.TLS = &how } }
	in2 := func(v *spec.HTTPCheck) { v.Version, v.ExpectedBody = spec.HTTP2, "HTTP/2.0" }
	follow := func(v *spec.HTTPCheck) { v.FollowRedirects = true }
	then := func(path string) func(*spec.HTTPCheck) {
		return func(v *spec.HTTPCheck) {
			more := spec.AdditionalRequest{HTTPRequest: spec.DefaultHTTPRequest()}
			more.Path = path
			v.AdditionalRequests = append(v.AdditionalRequests, more)
		}
	}
	for name, tt := range map[string]struct {
		port  int
		check spec.HTTPCheck
		want  string
	}{
		"healthy":                  {80, get("/health", json(map[string]string{"/status": "up", "/checks/0/ok": "true"})), "passed"},
		"sick":                     {80, get("/sick"), "status 503, want 200-299"},
		"sick in JSON":             {80, get("/sick", json(map[string]string{"/status": "up"}), func(v *spec.HTTPCheck) { v.ExpectedStatus = []spec.StatusRange{{First: 200, Last: 599}} }), `the answer has "down" at "/status", want "up"`},
		"HEAD":                     {80, get("/private/page", who("lvs", "s3cret"), func(v *spec.HTTPCheck) { v.Method = "HEAD" }), "passed"},
		"not there":                {80, get("/nowhere"), "status 404, want 200-299"},
		"too large":                {80, get("/large"), "the answer is longer than 1024 KiB: check a path with a short answer"},
		"redirect":                 {80, get("/moved"), "status 302, want 200-299"},
		"redirect, followed":       {80, get("/moved", follow, json(map[string]string{"/status": "up"})), "passed"},
		"redirect to https":        {80, get("/secure", follow), "the server redirects to https://, where this check does not go"},
		"private":                  {80, get("/private/page"), "status 401, want 200-299"},
		"private for another":      {80, get("/private/page", who("lvs", "secret")), "status 401, want 200-299"},
		"private for the agent":    {80, get("/private/page", who("lvs", "s3cret"), func(v *spec.HTTPCheck) { v.ExpectedBody = "welcome" }), "passed"},
		"two pages":                {80, get("/health", then("/health")), "passed"},
		"two pages, one sick":      {80, get("/health", then("/sick"), then("/nowhere")), "/sick: status 503, want 200-299"},
		"HTTP/2 in clear":          {8080, get("/", in2), "passed"},
		"HTTP/1.1 of HTTP/2":       {8080, get("/"), "the answer is not HTTP: "},
		"HTTP/2 over TLS":          {443, get("/", over(known), in2), "passed"},
		"HTTP/1.1 over TLS":        {443, get("/", over(known), func(v *spec.HTTPCheck) { v.ExpectedBody = "HTTP/1.1" }), "passed"},
		"in clear to TLS":          {443, get("/"), "status 400, want 200-299"},
		"TLS of a stranger":        {443, get("/", over(unknown)), "the certificate is refused: x509: certificate signed by unknown authority"},
		"TLS for another name":     {443, get("/", over(other)), "the certificate is refused: x509: certificate is valid for rs1, not www.example.com"},
		"TLS that expires":         {443, get("/", over(soon)), "the certificate expires in "},
		"TLS where there is none":  {80, get("/", over(known)), "the answer is not TLS: first record does not look like a TLS handshake"},
		"with no certificate":      {443, get("/mine", over(known)), "status 403, want 200-299"},
		"with its own certificate": {443, get("/mine", over(mine), func(v *spec.HTTPCheck) { v.ExpectedBody = "CN=d1" }), "passed"},
	} {
		got := probe(t, director, patience, fmt.Sprintf("192.0.2.21:%d", tt.port), check.ServerCheck{HTTP: &tt.check})
		if strings.HasSuffix(tt.want, " ") {
			got = got[:min(len(got), len(tt.want))] // the rest is of this moment
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
