package ipvs_test

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

func TestServiceKeyReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for want, k := range map[string]ipvs.ServiceKey{
		"tcp/192.0.2.100:80":     key(ipvs.TCP, "192.0.2.100:80"),
		"udp/[2001:db8::1]:53":   key(ipvs.UDP, "[2001:db8::1]:53"),
		"sctp/192.0.2.100:3868":  key(ipvs.SCTP, "192.0.2.100:3868"),
		"fwmark/5/ipv4":          ipvs.MarkKey(5, ipvs.IPv4),
		"fwmark/4294967295/ipv6": ipvs.MarkKey(1<<32-1, ipvs.IPv6),
	} {
		text, err := k.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%+v is written as %q, %v, want %q", k, text, err, want)
		}
		var got ipvs.ServiceKey
		if err := got.UnmarshalText(text); err != nil || got != k {
			t.Errorf("%q is read as %+v, %v, want %+v", text, got, err, k)
		}
	}
}

func TestServiceKeyRefusesWhatItWouldNotWrite(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "tcp", "tcp/", "tcp/192.0.2.100", "TCP/192.0.2.100:80", "icmp/192.0.2.100:80", "tcp/192.0.2.100:080",
		"tcp/[2001:DB8::1]:80", "fwmark/0/ipv4", "fwmark/5", "fwmark/05/ipv4", "fwmark/4294967296/ipv4", "fwmark/5/ipx",
	} {
		k := key(ipvs.TCP, "192.0.2.1:1")
		if err := k.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v, want an error", text, k)
		} else if k != key(ipvs.TCP, "192.0.2.1:1") {
			t.Errorf("%q changed the key in spite of %v", text, err)
		}
	}
}

func FuzzServiceKeyUnmarshalText(f *testing.F) {
	f.Add("tcp/192.0.2.100:80")
	f.Add("fwmark/5/ipv6")
	f.Fuzz(func(t *testing.T, text string) {
		var k ipvs.ServiceKey
		if err := k.UnmarshalText([]byte(text)); err == nil && k.String() != text {
			t.Errorf("%q is read as %q", text, k)
		}
	})
}
