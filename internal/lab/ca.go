package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// CA is a certificate authority that lasts as long as its folder does.
type CA struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Longer than any test, and shorter than anybody would keep them.
const certificateLifetime = 24 * time.Hour

// NewCA makes an authority and writes its certificate to ca.pem in the folder.
func NewCA(dir string) (*CA, error) {
	template, key, err := newCertificate("lab CA")
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	ca := &CA{dir: dir, cert: cert, key: key}
	if err := writePEM(ca.File(), "CERTIFICATE", der); err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	return ca, nil
}

// File returns the path of the authority's certificate.
func (ca *CA) File() string { return filepath.Join(ca.dir, "ca.pem") }

// Issue makes a certificate for a server or a client and writes it and its key to the folder, as
// NAME.pem and NAME-key.pem. The addresses are those that a server is reached at.
func (ca *CA) Issue(name string, addresses ...netip.Addr) (certFile, keyFile string, err error) {
	template, key, err := newCertificate(name)
	if err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{name}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(a.AsSlice()))
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	certFile, keyFile = filepath.Join(ca.dir, name+".pem"), filepath.Join(ca.dir, name+"-key.pem")
	if err := writePEM(certFile, "CERTIFICATE", cert); err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	if err := writePEM(keyFile, "PRIVATE KEY", secret); err != nil {
		return "", "", fmt.Errorf("issue certificate for %s: %w", name, err)
	}
	return certFile, keyFile, nil
}

// newCertificate returns what all certificates here have in common, and a new key.
func newCertificate(name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour), // a clock may be a little late
		NotAfter:     now.Add(certificateLifetime),
	}, key, nil
}

// writePEM writes a file that only its owner may read.
func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
