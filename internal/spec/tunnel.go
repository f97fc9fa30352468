package spec

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TunnelType is what packets to a real server are wrapped in.
type TunnelType string

// The kinds of tunnel: IP in IP, Generic UDP Encapsulation, Generic Routing Encapsulation.
const (
	IPIP TunnelType = "ipip"
	GUE  TunnelType = "gue"
	GRE  TunnelType = "gre"
)

// TunnelTypes lists every TunnelType.
func TunnelTypes() []string { return []string{string(IPIP), string(GUE), string(GRE)} }

// TunnelChecksum says what checksum the wrapping carries.
type TunnelChecksum string

// The checksums: none, one of the whole, or one that the real server puts into what was wrapped.
const (
	NoChecksum     TunnelChecksum = "none"
	Checksum       TunnelChecksum = "checksum"
	RemoteChecksum TunnelChecksum = "remote_checksum"
)

// TunnelOptions is how packets are wrapped, with the forwarding method Tunnel.
type TunnelOptions struct {
	Type     TunnelType     `json:"type" enum:"ipip,gue,gre" required:"false" default:"ipip" doc:"what packets are wrapped in"`
	Port     int            `json:"port,omitzero" minimum:"1" maximum:"65535" doc:"UDP port of the real servers that takes gue; needed there, and of no use elsewhere"`
	Checksum TunnelChecksum `json:"checksum" enum:"none,checksum,remote_checksum" required:"false" default:"none" doc:"checksum of the wrapping: ipip has none, gre no remote_checksum"`
}

// DefaultTunnelOptions returns what the forwarding method tunnel does by itself.
func DefaultTunnelOptions() TunnelOptions { return TunnelOptions{Type: IPIP, Checksum: NoChecksum} }

// UnmarshalJSONFrom fills in the defaults.
func (v *TunnelOptions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain TunnelOptions
	*v = DefaultTunnelOptions()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// checksums lists what a kind of tunnel can carry; nil for a kind that is not known.
func (t TunnelType) checksums() []string {
	switch t {
	case IPIP:
		return []string{string(NoChecksum)}
	case GUE:
		return []string{string(NoChecksum), string(Checksum), string(RemoteChecksum)}
	case GRE:
		return []string{string(NoChecksum), string(Checksum)}
	}
	return nil
}

// Validate reports everything that is wrong with the values themselves.
func (v *TunnelOptions) Validate() FieldErrors {
	var errs FieldErrors
	errs.oneOf("/type", string(v.Type), TunnelTypes())
	errs.oneOf("/checksum", string(v.Checksum), GUE.checksums())
	allowed := v.Type.checksums()
	switch {
	case errs != nil:
	case v.Type == GUE:
		if v.Port == 0 {
			errs.add("/port", "gue needs the UDP port that the real servers take it on, such as 6080")
			break
		}
		errs.within("/port", v.Port, 1, 65535)
	case v.Port != 0:
		errs.add("/port", "%s has no port: leave it out, or use gue", v.Type)
	}
	if errs == nil && !slices.Contains(allowed, string(v.Checksum)) {
		errs.add("/checksum", "%s has no %s: use %s", v.Type, v.Checksum, strings.Join(allowed, " or "))
	}
	return errs
}
