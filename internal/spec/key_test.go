package spec

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidateName(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"a": true, "0": true, "web": true, "web-1": true, "web_1": true, "web.1": true, "a..b": true,
		strings.Repeat("a", 63): true,
		"":                      false, "-web": false, "web-": false, ".web": false, "web.": false, "_": false, "Web": false, "wéb": false,
		"web/1": false, "web 1": false, "web\n": false, "..": false, "web:80": false, "web%2f": false,
		strings.Repeat("a", 64): false,
	} {
		errs := ValidateName(name)
		if good != (errs == nil) {
			t.Errorf("%q: %v", name, errs)
		}
		if !good && (len(errs) != 1 || errs[0].Pointer != "/name") {
			t.Errorf("%q: %v, want one error at /name", name, errs)
		}
	}
}

func TestParseServerKey(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"web/192.0.2.21:80":      "",
		"web/[2001:db8::1]:80":   "",
		"web/192.0.2.21:65535":   "",
		"192.0.2.21:80":          `"192.0.2.21:80" does not name a real server: write VIRTUAL_SERVER/ADDRESS:PORT, for example web/192.0.2.21:80`,
		"":                       `"" does not name a real server: write VIRTUAL_SERVER/ADDRESS:PORT, for example web/192.0.2.21:80`,
		"Web/192.0.2.21:80":      `name: "Web" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`,
		"/192.0.2.21:80":         `name: "" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`,
		"web/192.0.2.21":         `"192.0.2.21" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/2001:db8::1:80":     `"2001:db8::1:80" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/[192.0.2.21]:80":    `"[192.0.2.21]:80" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/localhost:80":       `"localhost:80" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/192.0.2.21:http":    `"192.0.2.21:http" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/192.0.2.21:65536":   `"192.0.2.21:65536" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/192.0.2.21:80/a":    `"192.0.2.21:80/a" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/192.0.2.021:80":     `"192.0.2.021:80" is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80`,
		"web/192.0.2.21:080":     `"192.0.2.21:080" is not in canonical form: write 192.0.2.21:80`,
		"web/[2001:DB8::1]:80":   `"[2001:DB8::1]:80" is not in canonical form: write [2001:db8::1]:80`,
		"web/[2001:db8:0::1]:80": `"[2001:db8:0::1]:80" is not in canonical form: write [2001:db8::1]:80`,
		"web/[fe80::1%eth0]:80":  `"[fe80::1%eth0]:80": an address with a zone, or IPv4 inside IPv6, cannot be a real server`,
		"web/[::ffff:1.2.3.4]:1": `"[::ffff:1.2.3.4]:1": an address with a zone, or IPv4 inside IPv6, cannot be a real server`,
	} {
		key, err := ParseServerKey(id)
		got := ""
		if err != nil {
			got = err.Error()
		} else if key.String() != id {
			t.Errorf("%q was read as %s", id, key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", id, diff)
		}
	}
}

func FuzzParseServerKey(f *testing.F) {
	for _, id := range []string{"web/192.0.2.21:80", "web/[2001:db8::1]:80", "web/[::ffff:1.2.3.4]:80", "web/[fe80::1%a]:80", "/", "a/:0"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		key, err := ParseServerKey(id)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		// One server has one name, and a name in a URL needs no escaping but that of the brackets.
		if key.String() != id {
			t.Fatalf("%q was taken, but is written %s", id, key)
		}
		if a := key.Address.Addr(); !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			t.Fatalf("%q was taken as the address %s", id, a)
		}
	})
}

func FuzzStatusRange(f *testing.F) {
	for _, text := range []string{"204", "200-299", "-", "200-", "-200", "200--299", "+200", "0200", "99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var first, second StatusRange
		if first.UnmarshalText([]byte(text)) != nil {
			return
		}
		canonical, err := first.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := second.UnmarshalText(canonical); err != nil || second != first {
			t.Fatalf("%q is written %s, and that is read as %v: %v", text, canonical, second, err)
		}
	})
}

func TestStatusRangeHoldsBothEnds(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{199: false, 200: true, 250: true, 299: true, 300: false} {
		if got := (StatusRange{First: 200, Last: 299}).Contains(code); got != want {
			t.Errorf("%d: %t", code, got)
		}
	}
}

func TestDurationIsReadInAnyFormAndWrittenInOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1s": "1s", "1000ms": "1s", "60s": "1m0s", "0.5s": "500ms", "1h": "1h0m0s", "0": "0s"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, _ := d.MarshalText(); string(got) != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

func TestKindAsWords(t *testing.T) {
	t.Parallel()
	if got := KindVirtualServer.String(); got != "virtual server" {
		t.Error(got)
	}
}

func TestEndpointTellsServicesApart(t *testing.T) {
	t.Parallel()
	v := goodService()
	other := goodService()
	other.Protocol = UDP
	six := goodService()
	six.Address = netip.MustParseAddr("2001:db8::100")
	got := []string{v.Endpoint(), other.Endpoint(), six.Endpoint()}
	if diff := cmp.Diff([]string{"tcp:192.0.2.100:80", "udp:192.0.2.100:80", "tcp:[2001:db8::100]:80"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
