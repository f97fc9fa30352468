package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestCertificateIsGoodForItsAddressesAlone(t *testing.T) {
	t.Parallel()
	ca, err := lab.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile, err := ca.Issue("d1", netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("2001:db8::11"))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca.File())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the CA's file has no certificate")
	}
	for name, want := range map[string]bool{"192.0.2.11": true, "2001:db8::11": true, "d1": true, "192.0.2.12": false, "d2": false} {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if got := err == nil; got != want {
			t.Errorf("%s: verified %v, want %v: %v", name, got, want, err)
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: x509.NewCertPool()}); err == nil {
		t.Error("verified without the CA")
	}
	for _, file := range []string{keyFile, filepath.Clean(certFile)} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", file, mode)
		}
	}
}
