package spec

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// comparable types of netip have unexported fields
var netipTypes = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netip.AddrPort{})}

// decode reads a document as the kind's type, and returns a pointer to it.
func decode(kind Kind, document string) (any, error) {
	var v any
	switch kind {
	case KindVRRPInstance:
		v = new(VRRPInstance)
	case KindVirtualServer:
		v = new(VirtualServer)
	case KindRealServer:
		v = new(RealServer)
	case KindCheckScript:
		v = new(CheckScript)
	case KindIPVSSettings:
		v = new(IPVSSettings)
	}
	return v, Decode([]byte(document), v)
}

// instanceWith is what an object without any field decodes to, changed.
func instanceWith(change func(*VRRPInstance)) *VRRPInstance {
	v := &VRRPInstance{
		Priority: 100, Preempt: true, AcceptMode: true, Version: 3, AdvertisementInterval: Duration(time.Second),
		ChecksumCompatibility: "rfc9568", UnicastTTL: 255, GARP: DefaultGARP(),
	}
	change(v)
	return v
}

func TestDecodeFillsInDefaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind     Kind
		document string
		want     any
	}{
		"instance":         {KindVRRPInstance, `{}`, instanceWith(func(*VRRPInstance) {})},
		"tracked script":   {KindVRRPInstance, `{"track_scripts":{"a":{}}}`, instanceWith(func(v *VRRPInstance) { v.TrackScripts = map[string]Track{"a": {}} })},
		"virtual server":   {KindVirtualServer, `{}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}}},
		"part of a quorum": {KindVirtualServer, `{"quorum":{"hysteresis":0}}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}}},
		"health check": {KindVirtualServer, `{"health_check":{}}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}, HealthCheck: &HealthCheck{
			Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3}}},
		"health checks of each kind": {KindVirtualServer, `{"health_check":{"tcp":{},"http":{},"script":{"name":"a"}}}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}, HealthCheck: &HealthCheck{
			Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3,
			TCP: &TCPCheck{}, HTTP: &HTTPCheck{Version: "1.1", HTTPRequest: HTTPRequest{Method: "GET", Path: "/", ExpectedStatus: []StatusRange{{200, 299}}}}, Script: &ScriptCheck{Name: "a"}}}},
		"status that is given replaces the default": {KindVirtualServer, `{"health_check":{"http":{"expected_status":["204"]}}}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}, HealthCheck: &HealthCheck{
			Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3,
			HTTP: &HTTPCheck{Version: "1.1", HTTPRequest: HTTPRequest{Method: "GET", Path: "/", ExpectedStatus: []StatusRange{{204, 204}}}}}}},
		"requests that follow have defaults": {KindVirtualServer, `{"health_check":{"http":{"path":"/a","additional_requests":[{"path":"/b"}]}}}`, &VirtualServer{Protocol: TCP, Scheduler: "wlc", InitialState: InitialDown, DrainTimeout: DefaultDrainTimeout, Quorum: Quorum{Weight: 1}, HealthCheck: &HealthCheck{
			Interval: Duration(2 * time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3,
			HTTP: &HTTPCheck{Version: "1.1", HTTPRequest: HTTPRequest{Method: "GET", Path: "/a", ExpectedStatus: []StatusRange{{200, 299}}},
				AdditionalRequests: []AdditionalRequest{{HTTPRequest{Method: "GET", Path: "/b", ExpectedStatus: []StatusRange{{200, 299}}}}}}}}},
		"timeout leaves the interval a pause": {KindRealServer, `{"health_check":{"interval":"1s","tcp":{}}}`, &RealServer{Weight: 1, HealthCheck: &HealthCheck{
			Interval: Duration(time.Second), Timeout: Duration(500 * time.Millisecond), Rise: 1, Fall: 3, TCP: &TCPCheck{}}}},
		"timeout of a check that is given stays": {KindRealServer, `{"health_check":{"timeout":"1s","interval":"1s","tcp":{}}}`, &RealServer{Weight: 1, HealthCheck: &HealthCheck{
			Interval: Duration(time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 3, TCP: &TCPCheck{}}}},
		"real server":                     {KindRealServer, `{}`, &RealServer{Weight: 1}},
		"real server of weight 0":         {KindRealServer, `{"weight":0}`, &RealServer{}},
		"check script":                    {KindCheckScript, `{}`, &CheckScript{Interval: Duration(time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 1}},
		"timeout follows the interval":    {KindCheckScript, `{"interval":"5s"}`, &CheckScript{Interval: Duration(5 * time.Second), Timeout: Duration(5 * time.Second), Rise: 1, Fall: 1}},
		"timeout that is given stays":     {KindCheckScript, `{"timeout":"2s","interval":"5s"}`, &CheckScript{Interval: Duration(5 * time.Second), Timeout: Duration(2 * time.Second), Rise: 1, Fall: 1}},
		"zero that is given stays":        {KindCheckScript, `{"timeout":"0s","rise":0}`, &CheckScript{Interval: Duration(time.Second), Rise: 0, Fall: 1}},
		"duration in another form":        {KindVRRPInstance, `{"advertisement_interval":"0.1s"}`, instanceWith(func(v *VRRPInstance) { v.AdvertisementInterval = Duration(100 * time.Millisecond) })},
		"no preemption":                   {KindVRRPInstance, `{"preempt":false}`, instanceWith(func(v *VRRPInstance) { v.Preempt = false })},
		"white space around":              {KindRealServer, " \n{ \"weight\" : 2 }\n", &RealServer{Weight: 2}},
		"the word null inside of a value": {KindCheckScript, `{"command":["null"]}`, &CheckScript{Command: []string{"null"}, Interval: Duration(time.Second), Timeout: Duration(time.Second), Rise: 1, Fall: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(tt.kind, tt.document)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, netipTypes); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.document, diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind                    Kind
		document, pointer, want string
	}{
		"nothing":                        {KindRealServer, "", "", "the body is empty: send a JSON object"},
		"white space":                    {KindRealServer, " \n", "", "the body is empty: send a JSON object"},
		"null for an object":             {KindRealServer, " null", "", "the body is null: send a JSON object"},
		"null for a number":              {KindRealServer, `{"weight":null}`, "/weight", "null is no value: leave it out"},
		"null for a nested object":       {KindVirtualServer, `{"health_check":null}`, "/health_check", "null is no value: leave it out"},
		"null for a duration":            {KindVirtualServer, `{"health_check":{"interval":null}}`, "/health_check/interval", "null is no value: leave it out"},
		"null for a list":                {KindCheckScript, `{"command":null}`, "/command", "null is no value: leave it out"},
		"null in a list":                 {KindVRRPInstance, `{"virtual_addresses":["192.0.2.1/24",null]}`, "/virtual_addresses/1", "null is no value: leave it out"},
		"null in a map":                  {KindVRRPInstance, `{"track_scripts":{"a":null}}`, "/track_scripts/a", "null is no value: leave it out"},
		"a list":                         {KindRealServer, `[]`, "", "a list is not right here: give an object"},
		"a number":                       {KindRealServer, `1`, "", "this number is not right here: give an object"},
		"a string":                       {KindRealServer, `"x"`, "", "a string is not right here: give an object"},
		"an end too early":               {KindVirtualServer, `{"address":"192.0.2.100"`, "", "not valid JSON: the body ends at byte 24, in the middle"},
		"an end in a string":             {KindVirtualServer, `{"address":"192.0.2`, "/address", "not valid JSON: the body ends at byte 19, in the middle"},
		"text behind":                    {KindRealServer, `{}x`, "", "not valid JSON at byte 2: invalid character 'x' after top-level value"},
		"a second value":                 {KindRealServer, `{} {}`, "", "not valid JSON at byte 3: invalid character '{' after top-level value"},
		"a comma too many":               {KindVirtualServer, `{"port":80,}`, "", "not valid JSON at byte 10: invalid character ',' at start of value"},
		"another quotation mark":         {KindVirtualServer, `{'port':80}`, "", `not valid JSON at byte 1: invalid character '\'' at start of value`},
		"a byte order mark":              {KindRealServer, "\ufeff{}", "", `not valid JSON at byte 0: invalid character '\ufeff' at start of value`},
		"invalid UTF-8":                  {KindVirtualServer, "{\"scheduler\":\"\xff\"}", "/scheduler", "not valid JSON at byte 14: invalid UTF-8"},
		"invalid UTF-8 in a name":        {KindVirtualServer, "{\"\xff\":1}", "", "not valid JSON at byte 2: invalid UTF-8"},
		"a name given twice":             {KindVirtualServer, `{"port":80,"port":80}`, "/port", "the field is given twice: remove one"},
		"a key given twice":              {KindVRRPInstance, `{"track_scripts":{"a":{},"a":{}}}`, "/track_scripts/a", "the field is given twice: remove one"},
		"an unknown name":                {KindRealServer, `{"drain":{"a":1}}`, "/drain", "unknown field: the object has weight, forwarding_method, tunnel, upper_threshold, lower_threshold, health_check, initial_state, on_failure, drain_timeout, slow_start"},
		"an unknown nested name":         {KindVirtualServer, `{"health_check":{"http":{"url":1}}}`, "/health_check/http/url", "unknown field: the object has address, port, version, tls, basic_auth, follow_redirects, method, path, host, headers, body, expected_status, expected_body, expected_match, expected_json, additional_requests"},
		"an unknown name of a probe":     {KindVirtualServer, `{"health_check":{"tcp":{"url":1}}}`, "/health_check/tcp/url", "unknown field: the object has address, port, send, expect"},
		"a name in another case":         {KindVirtualServer, `{"Address":"192.0.2.1"}`, "/Address", "unknown field: write address"},
		"a name in camel case":           {KindVirtualServer, `{"forwardingMethod":"nat"}`, "/forwardingMethod", "unknown field: write forwarding_method"},
		"a name with a dash":             {KindVirtualServer, `{"health-check":{}}`, "/health-check", "unknown field: write health_check"},
		"a text for a number":            {KindVirtualServer, `{"port":"80"}`, "/port", "a string is not right here: give a whole number"},
		"a boolean for a number":         {KindVirtualServer, `{"port":true}`, "/port", "a boolean is not right here: give a whole number"},
		"a fraction":                     {KindVirtualServer, `{"port":80.5}`, "/port", "this number is not right here: give a whole number"},
		"an exponent":                    {KindVirtualServer, `{"port":1e3}`, "/port", "this number is not right here: give a whole number"},
		"a number beyond all numbers":    {KindVirtualServer, `{"port":99999999999999999999}`, "/port", "this number is out of range: give a whole number"},
		"a number for a word":            {KindVirtualServer, `{"protocol":6}`, "/protocol", "this number is not right here: give a string"},
		"a number for an address":        {KindVirtualServer, `{"address":5}`, "/address", `this number is not right here: give a string such as "192.0.2.100"`},
		"a list for an address":          {KindVirtualServer, `{"address":["192.0.2.1"]}`, "/address", `a list is not right here: give a string such as "192.0.2.100"`},
		"no address":                     {KindVirtualServer, `{"address":"192.0.2.300"}`, "/address", "not an IP address: write 192.0.2.100 or 2001:db8::100"},
		"an address with a port":         {KindVirtualServer, `{"address":"192.0.2.100:80"}`, "/address", "not an IP address: write 192.0.2.100 or 2001:db8::100"},
		"a list for an object":           {KindVirtualServer, `{"health_check":[]}`, "/health_check", "a list is not right here: give an object"},
		"a text for an object":           {KindVirtualServer, `{"health_check":{"script":"x"}}`, "/health_check/script", "a string is not right here: give an object"},
		"a number for a duration":        {KindVirtualServer, `{"health_check":{"interval":2}}`, "/health_check/interval", `this number is not right here: give a string such as "2s"`},
		"a duration without a unit":      {KindVirtualServer, `{"health_check":{"interval":"2"}}`, "/health_check/interval", `"2" is not a duration: write a number and a unit, such as 500ms, 2s or 1m30s`},
		"a duration with a space":        {KindVirtualServer, `{"health_check":{"interval":"2 s"}}`, "/health_check/interval", `"2 s" is not a duration: write a number and a unit, such as 500ms, 2s or 1m30s`},
		"a text for a list":              {KindVirtualServer, `{"health_check":{"http":{"expected_status":"200"}}}`, "/health_check/http/expected_status", "a string is not right here: give a list"},
		"a number for a status":          {KindVirtualServer, `{"health_check":{"http":{"expected_status":[200]}}}`, "/health_check/http/expected_status/0", `this number is not right here: give a string such as "200-299"`},
		"a status that is none":          {KindVirtualServer, `{"health_check":{"http":{"expected_status":["204","2xx"]}}}`, "/health_check/http/expected_status/1", `"2xx" is not a status code or a range of them: write 204 or 200-299`},
		"an address without its length":  {KindVRRPInstance, `{"virtual_addresses":["192.0.2.1"]}`, "/virtual_addresses/0", "not an address with a prefix length: write 192.0.2.100/24"},
		"an address with an odd length":  {KindVRRPInstance, `{"virtual_addresses":["192.0.2.1/33"]}`, "/virtual_addresses/0", "not an address with a prefix length: write 192.0.2.100/24"},
		"a number for a virtual address": {KindVRRPInstance, `{"virtual_addresses":[5]}`, "/virtual_addresses/0", `this number is not right here: give a string such as "192.0.2.100/24"`},
		"a text for a list of addresses": {KindVRRPInstance, `{"virtual_addresses":"192.0.2.1/24"}`, "/virtual_addresses", "a string is not right here: give a list"},
		"a list for a map":               {KindVRRPInstance, `{"track_scripts":["a"]}`, "/track_scripts", "a list is not right here: give an object"},
		"a key that has to be escaped":   {KindVRRPInstance, `{"track_scripts":{"a/b~c":5}}`, "/track_scripts/a~1b~0c", "this number is not right here: give an object"},
		"a word that is not a list":      {KindCheckScript, `{"command":"/bin/true"}`, "/command", "a string is not right here: give a list"},
		"a number in a list of words":    {KindCheckScript, `{"command":["/bin/true",1]}`, "/command/1", "this number is not right here: give a string"},
		"the first of several faults":    {KindVirtualServer, `{"port":"80","address":5}`, "/port", "a string is not right here: give a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(tt.kind, tt.document)
			want := FieldErrors{{Pointer: tt.pointer, Detail: tt.want}}
			got, ok := errors.AsType[FieldErrors](err)
			if !ok {
				t.Fatalf("%s: got %v, want FieldErrors", tt.document, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.document, diff)
			}
		})
	}
}

// What a request held may be a secret, and errors are logged.
func TestDecodeRepeatsNoUnknownValue(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`{"auth_password":"s3cret"}`, `{"auth_pass":["s3cret"]}`, `{"auth_pass":{"s3cret":1}}`, `{"interface":{"auth_pass":"s3cret"}}`, `{"priority":"s3cret"}`, `{"virtual_addresses":["s3cret"]}`,
		`{"auth_pass":s3cret}`, `{"auth_pass":"s3cret`,
	} {
		_, err := decode(KindVRRPInstance, document)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func TestDecodeAnswerPassesOverWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	var got Object[RealServer, RealServerState]
	if err := DecodeAnswer(strings.NewReader(`{"spec":{"weight":2,"new":1},"status":{"healthy":true,"new":{}},"etag":"\"x\"","new":[]}`), &got); err != nil {
		t.Fatal(err)
	}
	want := Object[RealServer, RealServerState]{Spec: RealServer{Weight: 2}, Status: RealServerState{Healthy: true}, ETag: `"x"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind           Kind
		document, want string
	}{
		"instance": {KindVRRPInstance, `{"track_scripts":{"b":{"weight":1},"a":{}},"virtual_addresses":["192.0.2.100/24"],"advertisement_interval":"100ms","interface":"eth0","virtual_router_id":51}`,
			`{"virtual_router_id":51,"interface":"eth0","priority":100,"preempt":true,"preempt_delay":"0s","version":3,"advertisement_interval":"100ms","virtual_addresses":["192.0.2.100/24"],"checksum_compatibility":"rfc9568","unicast_ttl":255,"virtual_mac":false,"accept_mode":true,"garp":{"delay":"5s","repeat":5,"refresh":"0s","refresh_repeat":1,"rate":1000},"track_scripts":{"a":{"weight":0},"b":{"weight":1}}}`},
		"instance of version 2, by unicast": {KindVRRPInstance, `{"version":2,"auth_pass":"s3cret","auth_pass_version":1,"virtual_addresses":[],"unicast_source":"192.0.2.11","unicast_peers":["192.0.2.12"],"unicast_ttl":64,"unicast_minimum_ttl":63}`,
			`{"virtual_router_id":0,"interface":"","priority":100,"preempt":true,"preempt_delay":"0s","version":2,"advertisement_interval":"1s","virtual_addresses":[],"checksum_compatibility":"rfc9568","auth_pass_version":1,"unicast_source":"192.0.2.11","unicast_peers":["192.0.2.12"],"unicast_ttl":64,"unicast_minimum_ttl":63,"virtual_mac":false,"accept_mode":true,"garp":{"delay":"5s","repeat":5,"refresh":"0s","refresh_repeat":1,"rate":1000}}`},
		"virtual server": {KindVirtualServer, `{"address":"2001:DB8:0::1","port":80,"forwarding_method":"nat"}`,
			`{"address":"2001:db8::1","port":80,"protocol":"tcp","scheduler":"wlc","forwarding_method":"nat","initial_state":"down","drain_timeout":"30s","quorum":{"weight":1,"hysteresis":0}}`},
		"health check": {KindVirtualServer, `{"address":"192.0.2.1","port":80,"forwarding_method":"nat","health_check":{"timeout":"1000ms","tcp":{},"http":{"expected_status":["200-200","0301"]}}}`,
			`{"address":"192.0.2.1","port":80,"protocol":"tcp","scheduler":"wlc","forwarding_method":"nat","health_check":{"interval":"2s","timeout":"1s","rise":1,"fall":3,"tcp":{},"http":{"version":"1.1","method":"GET","path":"/","expected_status":["200","301"]}},"initial_state":"down","drain_timeout":"30s","quorum":{"weight":1,"hysteresis":0}}`},
		"real server":  {KindRealServer, `{}`, `{"weight":1}`},
		"check script": {KindCheckScript, `{"command":["/a","<b>"]}`, `{"command":["/a","<b>"],"interval":"1s","timeout":"1s","rise":1,"fall":1}`},
		"IPVS settings": {KindIPVSSettings, `{"sysctls":{"conntrack":false},"timeouts":{"udp":"90s"},"connection_sync":{"interface":"eth0"}}`,
			`{"connection_sync":{"interface":"eth0","sync_id":0,"group":"224.0.0.81","port":8848,"ttl":1},"timeouts":{"udp":"1m30s"},"sysctls":{"conntrack":false}}`},
		"IPVS settings that set nothing": {KindIPVSSettings, `{"sysctls":{}}`, `{"sysctls":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := decode(tt.kind, tt.document)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Encode(v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestETagFollowsTheValue(t *testing.T) {
	t.Parallel()
	one, other := RealServer{Weight: 1}, RealServer{Weight: 2}
	if ETag(one) != ETag(&one) || ETag(one) == ETag(other) {
		t.Errorf("1: %s and %s, 2: %s", ETag(one), ETag(&one), ETag(other))
	}
	// A tag is kept by others, in Terraform's state: it must not change with a version of the agent.
	if got, want := ETag(one), `"0f301e5e4dfbb55261f4fe9c2c5109fa"`; got != want {
		t.Errorf("the tag of %+v is %s, was %s", one, got, want)
	}
}

func FuzzDecode(f *testing.F) {
	kinds := []Kind{KindVRRPInstance, KindVirtualServer, KindRealServer, KindCheckScript, KindIPVSSettings}
	for i, document := range []string{
		`{"virtual_router_id":51,"interface":"eth0","priority":150,"advertisement_interval":"100ms","virtual_addresses":["192.0.2.100/24"],"track_scripts":{"gateway":{"weight":-60}}}`,
		`{"address":"192.0.2.100","port":80,"protocol":"tcp","scheduler":"wrr","forwarding_method":"dr","health_check":{"interval":"2s","timeout":"1s","rise":1,"fall":3,"tcp":{},"http":{"path":"/a","expected_status":["200-299","404"]},"script":{"name":"a"}}}`,
		`{"weight":1}`,
		`{"command":["/bin/true"],"interval":"2s","timeout":"1s","rise":2,"fall":3}`,
		`{"connection_sync":{"interface":"eth0","follow":"web","sync_id":7,"max_length":1472},"timeouts":{"tcp":"1h"},"sysctls":{"conn_reuse_mode":0,"conntrack":true}}`,
		`null`, `{`, "",
	} {
		f.Add(i%len(kinds), []byte(document))
	}
	f.Fuzz(func(t *testing.T, kind int, document []byte) {
		of := kinds[uint(kind)%uint(len(kinds))]
		first, err := decode(of, string(document))
		if err != nil {
			if problems, ok := errors.AsType[FieldErrors](err); !ok || len(problems) == 0 || problems[0].Detail == "" {
				t.Fatalf("%q: an error that says nothing: %v", document, err)
			}
			return
		}
		_ = validate(first) // it may find what it likes, but not panic
		canonical, err := EncodeWithSecrets(first)
		if err != nil {
			t.Fatalf("%q: encode: %v", document, err)
		}
		second, err := decode(of, string(canonical))
		if err != nil {
			t.Fatalf("%q: its canonical form %s: %v", document, canonical, err)
		}
		again, err := Encode(second)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(canonical, again) || ETag(first) != ETag(second) {
			t.Fatalf("%q: encoded as %s, and that as %s", document, canonical, again)
		}
	})
}

// validate asks whatever type the decoder was given.
func validate(v any) FieldErrors {
	switch v := v.(type) {
	case *VRRPInstance:
		return v.Validate()
	case *VirtualServer:
		return v.Validate()
	case *RealServer:
		return v.Validate(netip.MustParseAddrPort("192.0.2.21:80"))
	case *CheckScript:
		return v.Validate()
	case *IPVSSettings:
		return v.Validate()
	}
	panic("no such kind")
}
