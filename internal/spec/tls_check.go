package spec

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/http/httpguts"
)

// TLSVersion is a version of TLS.
type TLSVersion string

// The versions of TLS that a check may ask for.
const (
	TLS12 TLSVersion = "1.2"
	TLS13 TLSVersion = "1.3"
)

// TLSVersions lists every TLSVersion.
func TLSVersions() []string { return []string{string(TLS12), string(TLS13)} }

// TLSCheck is how a probe speaks TLS, and what it asks of the server's certificate.
type TLSCheck struct {
	ServerName          string     `json:"server_name,omitempty" required:"false" doc:"name that is asked for (SNI) and that the certificate must be for; left out, it is the host of the request without its port, or else the address"`
	CACertPEM           string     `json:"ca_cert_pem,omitempty" required:"false" doc:"certificates of the authorities that may have signed the server's, in PEM; left out, they are those of the director's system"`
	MinimumVersion      TLSVersion `json:"minimum_version" enum:"1.2,1.3" required:"false" default:"1.2" doc:"least version of TLS that passes"`
	Verify              bool       `json:"verify" required:"false" default:"true" doc:"whether the certificate must be signed by a known authority and be for the name"`
	MinValidity         Duration   `json:"min_validity" required:"false" doc:"default 0s; a certificate that expires sooner fails; up to 8760h"`
	ClientCertPEM       string     `json:"client_cert_pem,omitempty" required:"false" doc:"certificate that the agent shows the server if it asks for one, and the chain up to its authority, in PEM; left out, it shows none"`
	ClientKeyPEM        Secret     `json:"client_key_pem_wo,omitempty" required:"false" doc:"key of the client certificate, in PEM, which is needed with one; taken, and never answered"`
	ClientKeyPEMVersion int        `json:"client_key_pem_wo_version,omitzero" required:"false" doc:"a number of your own that goes with client_key_pem_wo, and is answered"`
}

const longestValidity = 365 * 24 * time.Hour

// DefaultTLSCheck returns a TLS check in which everything that has a default has it.
func DefaultTLSCheck() TLSCheck { return TLSCheck{MinimumVersion: TLS12, Verify: true} }

// UnmarshalJSONFrom fills in the defaults.
func (v *TLSCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain TLSCheck
	*v = DefaultTLSCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// Validate reports everything that is wrong with the values themselves.
func (v *TLSCheck) Validate() FieldErrors {
	var errs FieldErrors
	if _, err := netip.ParseAddr(v.ServerName); err != nil && (!httpguts.ValidHostHeader(v.ServerName) || strings.ContainsAny(v.ServerName, ":/@?#%[]")) {
		errs.add("/server_name", "%q is not a name or an address: write www.example.com, without a port", v.ServerName)
	}
	if v.CACertPEM != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(v.CACertPEM)) {
		errs.add("/ca_cert_pem", "there is no certificate in it: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	errs.oneOf("/minimum_version", string(v.MinimumVersion), TLSVersions())
	if d := v.MinValidity.Std(); d < 0 || d > longestValidity {
		errs.add("/min_validity", "%s is out of range: use 0s to %s", v.MinValidity, Duration(longestValidity))
	}
	v.validateClient(&errs)
	return errs
}

// validateClient is about the certificate that the agent shows.
func (v *TLSCheck) validateClient(errs *FieldErrors) {
	switch {
	case v.ClientCertPEM == "" && v.ClientKeyPEM == "":
	case v.ClientCertPEM == "":
		errs.add("/client_cert_pem", "there is a key without its certificate: give the certificate, or remove the key")
	case v.ClientKeyPEM == "":
		errs.add("/client_key_pem_wo", "the certificate's key is needed; it is never answered, so give it with each change")
	default:
		if _, err := tls.X509KeyPair([]byte(v.ClientCertPEM), []byte(v.ClientKeyPEM)); err != nil {
			errs.add("/client_cert_pem", "it and its key cannot be used: %s: give a certificate and the key that goes with it, in PEM", strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
}
