package install

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

const (
	// authorityLifetime is long: its end is the end of every certificate.
	authorityLifetime = 10 * 365 * 24 * time.Hour
	// certificateLifetime is what clients of today accept at most (825 days), and a bit less.
	certificateLifetime = 820 * 24 * time.Hour
	// early is how far back a certificate begins: the other side's clock may be behind.
	early = time.Hour
)

// authority signs the certificates of a cluster.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// pair is a certificate and its key in PEM.
type pair struct{ cert, key []byte }

func newAuthority(now time.Time) (authority, pair, error) {
	key, template, err := template("lvs-agent CA", now, authorityLifetime)
	if err != nil {
		return authority{}, pair{}, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	self := authority{cert: template, key: key}
	files, err := self.sign(template, key)
	if err != nil {
		return authority{}, pair{}, err
	}
	self.cert, err = parseCertificate(files.cert)
	return self, files, err
}

// openAuthority reads that of the first director.
func openAuthority(dir string) (authority, []byte, error) {
	cert, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return authority{}, nil, fmt.Errorf("read the CA: %w", err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, caKeyFile))
	if err != nil {
		return authority{}, nil, fmt.Errorf("read the key of the CA, which is where lvs-agent init made it: %w", err)
	}
	a := authority{}
	if a.cert, err = parseCertificate(cert); err != nil {
		return authority{}, nil, fmt.Errorf("read %s: %w", filepath.Join(dir, caFile), err)
	}
	block, _ := pem.Decode(secret)
	if block == nil {
		return authority{}, nil, fmt.Errorf("read %s: it is not PEM", filepath.Join(dir, caKeyFile))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return authority{}, nil, fmt.Errorf("read %s: %w", filepath.Join(dir, caKeyFile), err)
	}
	var ok bool
	if a.key, ok = key.(*ecdsa.PrivateKey); !ok || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return authority{}, nil, fmt.Errorf("%s is not the key of %s", caKeyFile, caFile)
	}
	return a, cert, nil
}

// server issues the certificate of a director, which is reached by its name and addresses.
func (a authority) server(name string, addresses []netip.Addr, now time.Time) (pair, error) {
	key, template, err := template(name, now, certificateLifetime)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{name, "localhost"}
	for _, address := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(address.AsSlice()))
	}
	return a.sign(template, key)
}

// client issues the certificate of who writes to directors.
func (a authority) client(name string, now time.Time) (pair, error) {
	key, template, err := template(name, now, certificateLifetime)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template, key)
}

func template(name string, now time.Time, lifetime time.Duration) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	return key, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-early), NotAfter: now.Add(lifetime),
	}, err
}

func (a authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign a certificate for %s: %w", template.Subject.CommonName, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("sign a certificate for %s: %w", template.Subject.CommonName, err)
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}, nil
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
