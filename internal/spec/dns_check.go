package spec

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/miekg/dns"
)

// DNSCheck asks the server a question, and looks at the code and the records of its answer.
type DNSCheck struct {
	Address         netip.Addr `json:"address,omitzero" required:"false" doc:"address to send to; left out, it is the server's own"`
	Port            *int       `json:"port,omitzero" required:"false" minimum:"1" maximum:"65535" doc:"port to send to; left out, it is the server's own"`
	Protocol        Protocol   `json:"protocol" enum:"udp,tcp" required:"false" default:"udp" doc:"transport protocol of the question"`
	Name            string     `json:"name" doc:"domain name that is asked for, such as www.example.com"`
	Type            string     `json:"type" enum:"A,AAAA,CAA,CNAME,DNSKEY,DS,HTTPS,MX,NAPTR,NS,PTR,SOA,SRV,SVCB,TLSA,TXT" required:"false" default:"A" doc:"type of the records that are asked for"`
	ExpectedRcode   string     `json:"expected_rcode" enum:"NOERROR,FORMERR,SERVFAIL,NXDOMAIN,NOTIMP,REFUSED" required:"false" default:"NOERROR" doc:"response code that passes"`
	ExpectedAnswers []string   `json:"expected_answers,omitempty" required:"false" doc:"data of records that must be among the answers, as in a zone file, such as 192.0.2.1 or 10 mail.example.com; left out, the code is enough"`
}

// DNSTypes lists the types of records that a check may ask for.
func DNSTypes() []string {
	return []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT"}
}

// DNSRcodes lists the response codes that a check may expect.
func DNSRcodes() []string {
	return []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
}

// DefaultDNSCheck returns a DNS check in which everything that has a default has it.
func DefaultDNSCheck() DNSCheck {
	return DNSCheck{Protocol: UDP, Type: "A", ExpectedRcode: "NOERROR"}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *DNSCheck) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain DNSCheck
	*v = DefaultDNSCheck()
	return json.UnmarshalDecode(dec, (*plain)(v))
}

// maxAnswers is how many records a check may expect.
const maxAnswers = 32

// Validate reports everything that is wrong with the values themselves.
func (v *DNSCheck) Validate() FieldErrors {
	var errs FieldErrors
	errs.aim(v.Address, v.Port)
	errs.oneOf("/protocol", string(v.Protocol), []string{string(UDP), string(TCP)})
	switch _, isName := dns.IsDomainName(v.Name); {
	case v.Name == "":
		errs.add("/name", "a name to ask for is needed, such as www.example.com")
	case !isName || strings.ContainsFunc(v.Name, notInName):
		errs.add("/name", "%q is not a domain name: write www.example.com, in ASCII, with at most 63 characters between two dots", v.Name)
	}
	errs.oneOf("/type", v.Type, DNSTypes())
	errs.oneOf("/expected_rcode", v.ExpectedRcode, DNSRcodes())
	if len(v.ExpectedAnswers) > 0 && v.ExpectedRcode != "NOERROR" {
		errs.add("/expected_answers", "an answer with the code %s has no records to expect: remove them, or expect NOERROR", v.ExpectedRcode)
	}
	if len(v.ExpectedAnswers) > maxAnswers {
		errs.add("/expected_answers", "%d records are expected: use at most %d", len(v.ExpectedAnswers), maxAnswers)
		return errs
	}
	for i, data := range v.ExpectedAnswers {
		if _, err := ParseDNSAnswer(v.Type, data); err != nil && dns.StringToType[v.Type] != 0 {
			errs.add(fmt.Sprintf("/expected_answers/%d", i), "%s", err)
		}
	}
	return errs
}

// notInName finds what no name that is asked for has: white space, control characters, and letters that are to be
// written in their ASCII form.
func notInName(r rune) bool { return r <= ' ' || r > '~' }

// ParseDNSAnswer reads the data of a record of a type, as a zone file has it. The record belongs to the root.
func ParseDNSAnswer(recordType, data string) (dns.RR, error) {
	bad := func() error {
		return fmt.Errorf("%q is not the data of a record of type %s: write it as in a zone file", data, recordType)
	}
	if strings.TrimSpace(data) == "" {
		return nil, errors.New("the text is empty: give the data of a record, as in a zone file")
	}
	if len(data) > maxCheckText || strings.ContainsFunc(data, func(r rune) bool { return r < ' ' }) {
		return nil, bad()
	}
	record, err := dns.NewRR(". 0 IN " + recordType + " " + data)
	if err != nil || record == nil {
		return nil, bad()
	}
	return record, nil
}
