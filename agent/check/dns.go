package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxDatagram is how much of a datagram is looked at, in bytes.
const maxDatagram = 8 << 10

// dnsProbe passes when a question is answered with the expected code and records.
type dnsProbe struct {
	dial  dialFunc
	check spec.DNSCheck
}

// Probe implements probe.
func (p dnsProbe) Probe(ctx context.Context, server netip.AddrPort) error {
	conn, err := p.dial(ctx, string(p.check.Protocol), aim(server, p.check.Address, p.check.Port).String())
	if err != nil {
		return networkReason(ctx, err)
	}
	defer func() { _ = conn.Close() }() // all that was to be said is said
	defer obey(ctx, conn)()
	question := new(dns.Msg).SetQuestion(dns.Fqdn(p.check.Name), dns.StringToType[p.check.Type])
	answer, err := ask(conn, question)
	if notDNS, ok := errors.AsType[*dns.Error](err); ok {
		return fmt.Errorf("the answer is not DNS: %s", clean(strings.TrimPrefix(notDNS.Error(), "dns: ")))
	}
	if err != nil {
		return networkReason(ctx, err)
	}
	if got := answer.Rcode; got != dns.StringToRcode[p.check.ExpectedRcode] {
		return fmt.Errorf("response code %s, want %s", rcode(got), p.check.ExpectedRcode)
	}
	return p.records(answer)
}

// ask sends a question and reads the answer to it. What answers another one came late, or was sent by somebody else.
func ask(conn net.Conn, question *dns.Msg) (*dns.Msg, error) {
	exchange := dns.Conn{Conn: conn, UDPSize: maxDatagram}
	if err := exchange.WriteMsg(question); err != nil {
		return nil, err
	}
	for {
		answer, err := exchange.ReadMsg()
		if err != nil {
			return nil, err
		}
		if answer.Response && answer.Id == question.Id {
			return answer, nil
		}
	}
}

// records reports an expected record that is not among the answers.
func (p dnsProbe) records(answer *dns.Msg) error {
	for _, data := range p.check.ExpectedAnswers {
		want, err := spec.ParseDNSAnswer(p.check.Type, data)
		if err != nil {
			return err
		}
		switch {
		case hasRecord(answer.Answer, want):
		case answer.Truncated:
			return errors.New("the answer does not fit into a datagram: ask over tcp")
		default:
			return fmt.Errorf("the answers do not have the expected %s", clean(data))
		}
	}
	return nil
}

// hasRecord reports whether one of the records has the data of want, whoever's it is: a name may be an alias.
func hasRecord(records []dns.RR, want dns.RR) bool {
	for _, record := range records {
		want.Header().Name = record.Header().Name
		if dns.IsDuplicate(record, want) {
			return true
		}
	}
	return false
}

func rcode(code int) string {
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return fmt.Sprint(code)
}
