package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The hooks of an object, as JSON, and what is said about them.
func TestHooks(t *testing.T) {
	t.Parallel()
	const instance = `{"virtual_router_id":51,"interface":"eth0","virtual_addresses":["192.0.2.100/24"],"notify":NOTIFY}`
	const service = `{"address":"192.0.2.100","port":80,"forwarding_method":"dr","notify":NOTIFY}`
	for name, tt := range map[string]struct {
		object, notify, want string
	}{
		"a program":                   {instance, `{"a":{"command":["/s/told","x"]}}`, ""},
		"a program in keepalived's":   {instance, `{"a":{"command":["/s/told"],"style":"keepalived","states":["active","fault"]}}`, ""},
		"a web server":                {service, `{"a":{"webhook":{"url":"https://hooks.example.com/lvs?x=1"},"states":["up","unhealthy"]}}`, ""},
		"a web server, signed":        {service, `{"a":{"webhook":{"url":"http://[2001:db8::1]:8080","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","secret_version":2}}}`, ""},
		"nothing to do":               {instance, `{"a":{}}`, "notify/a: a hook needs a command or a webhook"},
		"both":                        {instance, `{"a":{"command":["/s/told"],"webhook":{"url":"https://x"}}}`, "notify/a/webhook: a hook has a command or a webhook, not both: make it two hooks"},
		"no absolute path":            {instance, `{"a":{"command":["told"]}}`, `notify/a/command/0: "told" is not an absolute path without '.', '..' and doubled slashes`},
		"a name that is none":         {instance, `{"A b":{"command":["/s/told"]}}`, `notify/A b: "A b" is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit`},
		"an unknown style":            {instance, `{"a":{"command":["/s/told"],"style":"KEEPALIVED"}}`, `notify/a/style: "KEEPALIVED" is not known: use one of event, keepalived, keepalived_group`},
		"a style for a web server":    {instance, `{"a":{"webhook":{"url":"https://x"},"style":"keepalived"}}`, `notify/a/style: "keepalived" is for a command: a webhook is sent the event`},
		"a style of a service":        {service, `{"a":{"command":["/s/told"],"style":"keepalived"}}`, "notify/a/style: keepalived gives arguments to the scripts of VRRP instances alone: leave style out, name arguments of its own in command, and say in states when it runs"},
		"no group":                    {instance, `{"a":{"command":["/s/told"],"style":"keepalived_group"}}`, "notify/a/style: the instance is in no sync group: set sync_group, or use the style keepalived"},
		"a state of others":           {instance, `{"a":{"command":["/s/told"],"states":["up"]}}`, `notify/a/states/0: "up" is not known: use one of initialize, backup, active, fault`},
		"a state twice":               {service, `{"a":{"command":["/s/told"],"states":["up","up"]}}`, `notify/a/states/1: "up" stands there twice: remove one`},
		"no time":                     {instance, `{"a":{"command":["/s/told"],"timeout":"0s"}}`, "notify/a/timeout: 0s is out of range: use 100ms to 5m0s"},
		"no URL":                      {instance, `{"a":{"webhook":{"url":"hooks.example.com"}}}`, `notify/a/webhook/url: "hooks.example.com" is not the URL of a web server: write https://hooks.example.com/lvs`},
		"another scheme":              {instance, `{"a":{"webhook":{"url":"ftp://u:geheim@x"}}}`, `notify/a/webhook/url: "…@x" is not the URL of a web server: write https://hooks.example.com/lvs`},
		"a password in the URL":       {instance, `{"a":{"webhook":{"url":"https://u:geheim@x/"}}}`, "notify/a/webhook/url: a password in it would be shown to everybody: remove it, and let the server see by secret who it is from"},
		"a short secret":              {instance, `{"a":{"webhook":{"url":"https://x","secret":"geheim"}}}`, "notify/a/webhook/secret: it has 6 bytes: use at least 24, at random"},
		"a secret that is not base64": {instance, `{"a":{"webhook":{"url":"https://x","secret":"whsec_geheim!"}}}`, "notify/a/webhook/secret: what follows whsec_ is not base64"},
		"no certificate":              {instance, `{"a":{"webhook":{"url":"https://x","ca_cert_pem":"x"}}}`, "notify/a/webhook/ca_cert_pem: there is no certificate in it: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----"},
		"too many": {instance, "{" + strings.Join(strings.Split(strings.Repeat(`"hX":{"command":["/s/told"]};`, 17), ";")[:17], ",") + "}",
			"notify: there are 17 hooks: use at most 16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notify := tt.notify
			for i := 'a'; strings.Contains(notify, "hX"); i++ {
				notify = strings.Replace(notify, "hX", "h"+string(i), 1)
			}
			body := []byte(strings.Replace(tt.object, "NOTIFY", notify, 1))
			var errs FieldErrors
			if tt.object == instance {
				v := decodeForTest[VRRPInstance](t, body)
				errs = v.Validate()
			} else {
				v := decodeForTest[VirtualServer](t, body)
				errs = v.Validate()
			}
			if diff := cmp.Diff(tt.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func decodeForTest[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	if err := Decode(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSecretOfAWebhookIsNeverAnswered(t *testing.T) {
	t.Parallel()
	v := DefaultHook()
	v.Webhook = &Webhook{URL: "https://x", Secret: "a key of twenty-four bytes or more", SecretVersion: 3}
	data, err := Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"style":"event","webhook":{"url":"https://x","secret_version":3},"timeout":"10s"}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	kept, err := EncodeWithSecrets(v)
	if err != nil || !strings.Contains(string(kept), `"secret":"a key of`) {
		t.Errorf("the disk gets %s, %v", kept, err)
	}
}

func TestHookIDIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	id := HookID{Kind: KindVirtualServer, Object: "web", Name: "pager"}
	if got, err := ParseHookID(id.String()); err != nil || got != id || id.String() != "virtual_server/web/pager" {
		t.Errorf("%s is read as %v, %v", id, got, err)
	}
	if _, err := ParseHookID("web/pager"); err == nil {
		t.Error("what is none is read")
	}
}
