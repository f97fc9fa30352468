package spec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGARP_WhatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	five := Duration(5 * time.Second)
	for text, want := range map[string]GARP{
		`{}`:                                {Delay: five, Repeat: 5, RefreshRepeat: 1, Rate: 1000},
		`{"garp":{}}`:                       {Delay: five, Repeat: 5, RefreshRepeat: 1, Rate: 1000},
		`{"garp":{"repeat":0}}`:             {Delay: five, Repeat: 0, RefreshRepeat: 1, Rate: 1000},
		`{"garp":{"delay":"0s","rate":10}}`: {Repeat: 5, RefreshRepeat: 1, Rate: 10},
		`{"garp":{"refresh":"1m","refresh_repeat":2}}`: {Delay: five, Repeat: 5, Refresh: Duration(time.Minute), RefreshRepeat: 2, Rate: 1000},
	} {
		var v VRRPInstance
		if err := Decode([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, v.GARP); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestGARP_RefusesWhatIsOutOfRange(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"":                     `{"delay":"1h","repeat":100,"refresh":"1s","refresh_repeat":100,"rate":100000}`,
		"/garp/delay":          `{"delay":"1h1s"}`,
		"/garp/repeat":         `{"repeat":-1}`,
		"/garp/refresh":        `{"refresh":"999ms"}`,
		"/garp/refresh_repeat": `{"refresh_repeat":0}`,
		"/garp/rate":           `{"rate":0}`,
	} {
		v := VRRPInstance{}
		body := `{"virtual_router_id":51,"interface":"eth0","virtual_addresses":["192.0.2.100/24"],"garp":` + text + `}`
		if err := Decode([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range v.Validate() {
			got += e.Pointer
		}
		if got != want {
			t.Errorf("%s is refused at %q, want %q", text, got, want)
		}
	}
}
