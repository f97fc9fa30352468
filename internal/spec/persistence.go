package spec

import (
	"net/netip"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// EngineSIP is the persistence engine that goes by a SIP message's Call-ID.
const EngineSIP = "sip"

// Persistence keeps a client with its real server for a while after its last connection.
type Persistence struct {
	Timeout      Duration `json:"timeout" required:"false" doc:"default 5m0s; how long a client stays with its server after its last connection; whole seconds, 1s to 744h"`
	PrefixLength int      `json:"prefix_length,omitzero" minimum:"1" maximum:"128" doc:"clients whose addresses agree in so many bits count as one; left out, each address is a client: 32, or 128 for IPv6"`
	Engine       string   `json:"engine,omitempty" enum:"sip" doc:"what tells clients apart beside their addresses; sip, over UDP: the Call-ID"`
}

// maxPersistence is what ipvsadm takes: 31 days.
const maxPersistence = Duration(31 * 24 * time.Hour)

// DefaultPersistence returns the persistence of a client with one address for five minutes.
func DefaultPersistence() Persistence { return Persistence{Timeout: Duration(5 * time.Minute)} }

// UnmarshalJSONFrom fills in the defaults.
func (v *Persistence) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain Persistence
	*v = DefaultPersistence()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// validate reports what is wrong with the persistence of a service.
func (v *Persistence) validate(of *VirtualServer) FieldErrors {
	var errs FieldErrors
	switch t := v.Timeout; {
	case t < Duration(time.Second) || t > maxPersistence:
		errs.add("/timeout", "%s is out of range: use 1s to 744h", t)
	case t%Duration(time.Second) != 0:
		errs.add("/timeout", "%s is not a number of whole seconds, as the kernel counts them: use %s", t, Duration(t.Std().Round(time.Second)))
	}
	if v.PrefixLength != 0 {
		longest := 128
		if of.AddressFamily() == IPv4 {
			longest = 32
		}
		errs.within("/prefix_length", v.PrefixLength, 1, longest)
	}
	if v.Engine != "" {
		errs.oneOf("/engine", v.Engine, []string{EngineSIP})
		if v.Engine == EngineSIP && of.Protocol != UDP && of.FirewallMark == 0 {
			errs.add("/engine", "sip reads UDP packets alone: use protocol udp, or leave it out")
		}
	}
	return errs
}

// AddressFamily returns the family of the packets that the service takes; "" when neither an address
// nor a family is given.
func (v *VirtualServer) AddressFamily() Family {
	if v.FirewallMark != 0 {
		return v.Family
	}
	if v.Address == (netip.Addr{}) {
		return ""
	}
	return FamilyOf(v.Address)
}
