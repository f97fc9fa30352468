package httpapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestTLSLetsInWhoHasATokenOrACertificate(t *testing.T) {
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
	clientCert, clientKey, err := ca.Issue("client")
	if err != nil {
		t.Fatal(err)
	}
	withCertificate, err := tls.LoadX509KeyPair(clientCert, clientKey)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := ParseTokens([]byte(line("terraform", "write", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		clientCA     bool
		tokens       *Tokens
		certificates []tls.Certificate
		token        string
		want         int // 0: the handshake fails
	}{
		"token":                             {tokens: tokens, token: "secret", want: 200},
		"no token":                          {tokens: tokens, want: 401},
		"certificate where both are good":   {clientCA: true, tokens: tokens, certificates: []tls.Certificate{withCertificate}, want: 200},
		"token where both are good":         {clientCA: true, tokens: tokens, token: "secret", want: 200},
		"neither where both are good":       {clientCA: true, tokens: tokens, want: 401},
		"certificate where it is demanded":  {clientCA: true, certificates: []tls.Certificate{withCertificate}, want: 200},
		"nothing where one is demanded":     {clientCA: true, want: 0},
		"certificate where none is trusted": {tokens: tokens, certificates: []tls.Certificate{withCertificate}, want: 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := TLSFiles{Cert: cert, Key: key}
			if tt.clientCA {
				files.ClientCA = ca.File()
			}
			base := serve(t, files, tt.tokens)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/status", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.token != "" {
				request.Header.Set("Authorization", "Bearer "+tt.token)
			}
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(t, ca), Certificates: tt.certificates}, ForceAttemptHTTP2: true}}
			answer, err := client.Do(request)
			if err != nil {
				if tt.want != 0 {
					t.Error(err)
				}
				return
			}
			defer func() { _ = answer.Body.Close() }()
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != tt.want || answer.ProtoMajor != 2 {
				t.Errorf("answered %d over %s: %s; want %d over HTTP/2", answer.StatusCode, answer.Proto, body, tt.want)
			}
		})
	}
}

// serve runs the API of a fixture and returns its URL.
func serve(t *testing.T, files TLSFiles, tokens *Tokens) string {
	t.Helper()
	f := newFixture(t)
	log := slog.New(slog.DiscardHandler)
	server, err := Listen("127.0.0.1:0", files, tokens, 0, newGuard(Config{Tokens: tokens, Log: log}, f.handler), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "https://" + server.Address().String()
}

func pool(t *testing.T, ca *lab.CA) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(ca.File())
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in " + ca.File())
	}
	return p
}

func TestListenRefusesMissingFiles(t *testing.T) {
	t.Parallel()
	if _, err := Listen("127.0.0.1:0", TLSFiles{Cert: "/none", Key: "/none"}, nil, 0, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("listened without its certificate")
	}
}
