package check

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestUDP(t *testing.T) {
	t.Parallel()
	echo := datagrams(t, func(question []byte) [][]byte { return [][]byte{question} })
	silent := datagrams(t, func([]byte) [][]byte { return nil })
	large := datagrams(t, func([]byte) [][]byte { return [][]byte{make([]byte, 60<<10)} })
	for name, tt := range map[string]struct {
		address string
		check   spec.UDPCheck
		want    string
	}{
		"answers":                      {echo, spec.UDPCheck{Send: "ping", Expect: "pin"}, "passed"},
		"answers with bytes":           {echo, spec.UDPCheck{SendHex: "00ff10", ExpectHex: "FF10"}, "passed"},
		"answers, which is not needed": {echo, spec.UDPCheck{Send: "ping"}, "passed"},
		"answers something else":       {echo, spec.UDPCheck{Send: "ping\xff\n", Expect: "pong"}, `the answer does not contain the expected "pong": ping?`},
		"answers other bytes":          {echo, spec.UDPCheck{SendHex: "6869", ExpectHex: "0a"}, "the answer does not contain the expected bytes 0a: hi"},
		"is silent":                    {silent, spec.UDPCheck{}, "passed"},
		"is silent, and should not be": {silent, spec.UDPCheck{Expect: "pong"}, "no answer within 100ms"},
		"is not there":                 {closedUDPPort(t), spec.UDPCheck{}, "connection refused"},
		"is not there to answer":       {closedUDPPort(t), spec.UDPCheck{Expect: "pong"}, "connection refused"},
		"answers at length":            {large, spec.UDPCheck{Expect: "pong"}, `the answer does not contain the expected "pong":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := patience
			if tt.address == silent {
				timeout = brief
			}
			got := probeServer(t, timeout, ServerCheck{Server: key(tt.address), UDP: &tt.check})
			if tt.address == large {
				got = got[:min(len(got), len(tt.want))]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUDPGoesToAnAddressAndPortOfItsOwn(t *testing.T) {
	t.Parallel()
	there := netip.MustParseAddrPort(datagrams(t, func([]byte) [][]byte { return [][]byte{[]byte("hello")} }))
	port := int(there.Port())
	check := spec.UDPCheck{Address: there.Addr(), Port: &port, Expect: "hello"}
	if reason := probeServer(t, patience, ServerCheck{Server: key("[2001:db8::1]:0"), UDP: &check}); reason != "passed" {
		t.Error(reason)
	}
}
