package client

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestEndpointThatIsNoneIsRefusedWithTheWayToMendIt(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"":                                "does not begin with https://",
		"192.0.2.11:8443":                 "is not a URL",
		"d1:8443":                         "does not begin with https://",
		"ftp://192.0.2.11":                "does not begin with https://",
		"https://":                        "names no host",
		"http://192.0.2.11:8443":          "http:// is for loopback only, use https://192.0.2.11:8443",
		"http://localhost.example:8443":   "http:// is for loopback only",
		"https://u:secret@192.0.2.11":     "no user or password",
		"https://192.0.2.11:8443?x=1":     "has a query",
		"unix://run/agent.sock":           "absolute path",
		"unix://":                         "absolute path",
		"https://192.0.2.11:8443/v1#frag": "fragment",
	} {
		err := CheckEndpoint(endpoint)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckEndpoint(%q) = %v, want it to say %q", endpoint, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("CheckEndpoint(%q) repeats the password: %v", endpoint, err)
		}
	}
}

func TestEndpointOfADirectorIsTaken(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"https://192.0.2.11:8443", "https://[2001:db8::1]:8443/", "https://d1.example", "http://127.0.0.1:8443",
		"http://127.9.9.9", "http://[::1]:8443", "http://localhost:8443", "unix:///run/lvs-agent/agent.sock",
	} {
		if err := CheckEndpoint(endpoint); err != nil {
			t.Errorf("CheckEndpoint(%q) = %v", endpoint, err)
		}
	}
}

// No string whatever makes a client send a token in the clear to another machine.
func FuzzCheckEndpoint(f *testing.F) {
	for _, seed := range []string{"http://127.0.0.1@192.0.2.1", "http://[::1]:1", "HTTP://192.0.2.1", "unix:///x", "https://a:b@c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, endpoint string) {
		if CheckEndpoint(endpoint) != nil {
			return
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatalf("%q is taken, and is not a URL: %v", endpoint, err)
		}
		if u.Scheme == "http" && u.Hostname() != "localhost" && !netip.MustParseAddr(u.Hostname()).IsLoopback() {
			t.Errorf("%q is taken", endpoint)
		}
	})
}
