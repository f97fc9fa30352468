package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every setting of the whole file, given another value, is named: so none is added that nobody compares.
func TestChangedNamesEverySetting(t *testing.T) {
	t.Parallel()
	base, err := Parse("agent.hcl", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got := base.Changed(base); got != nil {
		t.Errorf("nothing has changed, and it names %v", got)
	}
	other := Config{Name: "other", OnStop: OnStopRelease, ResyncInterval: 1, StartupHold: 1, TLS: &TLS{MinimumVersion: TLS12}, Auth: &Auth{Clients: map[string]string{"a": ScopeRead}}}
	other.Scripts.AllowInline = !base.Scripts.AllowInline
	var want []string
	block := ""
	for line := range strings.Lines(whole + "tls {\n minimum_version = 1\n}\nauth {\n clients = 1\n}\n") {
		if opens := regexp.MustCompile(`^(\w+) \{`).FindStringSubmatch(line); opens != nil {
			block = opens[1] + "."
		}
		for _, setting := range regexp.MustCompile(`(\w+)\s+= `).FindAllStringSubmatch(line, -1) {
			want = append(want, block+setting[1])
		}
		if strings.Contains(line, "}") {
			block = ""
		}
	}
	got := base.Changed(other)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	// A field that is added belongs into the file above, and into Changed.
	if n := reflect.TypeFor[Config]().NumField(); n != 14 {
		t.Errorf("a configuration has %d fields, of which 14 are compared", n)
	}
	for _, name := range got {
		if Reloadable(name) && TakesRestart(name) {
			t.Errorf("%s is both", name)
		}
	}
}
