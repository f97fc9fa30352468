package spec

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Hook is who is told of what happens to a VRRP instance, or to a virtual server and its real servers: a
// program on the director, or a web server.
type Hook struct {
	Command []string  `json:"command,omitempty" doc:"absolute path of a program inside the agent's scripts.directory, and its arguments; it runs without a shell, and reads the notification as JSON"`
	Style   HookStyle `json:"style" enum:"event,keepalived,keepalived_group" required:"false" default:"event" doc:"what the program is given: event, JSON as its input; keepalived, of a VRRP instance, 'INSTANCE name MASTER 150' as more arguments; keepalived_group, of one in a sync group, 'GROUP group MASTER 0'"`
	Webhook *Webhook  `json:"webhook,omitzero" required:"false" doc:"instead of a command: the web server that the notification is sent to"`
	States  []string  `json:"states,omitempty" doc:"only what comes to be in one of these states is told: of a VRRP instance initialize, backup, active, fault, of a virtual server up, down and of its real servers healthy, unhealthy; left out, all is told"`
	Timeout Duration  `json:"timeout" required:"false" doc:"default 10s; after this a program and all it started are killed, and a web server has not answered; 100ms to 5m"`
}

// Webhook is a web server that is told by POST.
type Webhook struct {
	URL           string `json:"url" doc:"where to, http or https; it is answered, so it is no place for a secret"`
	Secret        Secret `json:"secret,omitempty" required:"false" doc:"key that the notification is signed with (HMAC-SHA256, as standardwebhooks.com says): text, or whsec_ and base64; taken, and never answered"`
	SecretVersion int    `json:"secret_version,omitzero" required:"false" minimum:"0" doc:"a number of your own that goes with secret, and is answered"`
	CACertPEM     string `json:"ca_cert_pem,omitempty" required:"false" doc:"certificates of the authorities that may have signed the server's, in PEM; left out, they are those of the director's system"`
}

// HookStyle is what a program is given.
type HookStyle string

// The styles. keepalived's are what it gives to its notify scripts, after arguments of their own.
const (
	HookEvent           HookStyle = "event"
	HookKeepalived      HookStyle = "keepalived"
	HookKeepalivedGroup HookStyle = "keepalived_group"
)

// HookStyles lists every HookStyle.
func HookStyles() []string {
	return []string{string(HookEvent), string(HookKeepalived), string(HookKeepalivedGroup)}
}

// Limits of a hook.
const (
	maxHooks           = 16
	minHookTimeout     = 100 * time.Millisecond
	maxHookTimeout     = 5 * time.Minute
	defaultHookTimeout = 10 * time.Second
	// minSecret is what Standard Webhooks asks of a key, in bytes.
	minSecret = 24
	// secretPrefix begins a key that is written in base64.
	secretPrefix = "whsec_"
)

// InstanceStates lists every InstanceState.
func InstanceStates() []string {
	return []string{string(InstanceInitialize), string(InstanceBackup), string(InstanceActive), string(InstanceFault)}
}

// VirtualServerStates lists the states of a virtual server and of its real servers that are told.
func VirtualServerStates() []string {
	return []string{ServiceUp, ServiceDown, ServerHealthy, ServerUnhealthy}
}

// DefaultHook returns a hook in which everything that has a default has it.
func DefaultHook() Hook { return Hook{Style: HookEvent, Timeout: Duration(defaultHookTimeout)} }

// UnmarshalJSONFrom fills in the defaults, and puts the states, which are a set, in order.
func (v *Hook) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain Hook
	*v = DefaultHook()
	err := json.UnmarshalDecode(dec, (*plain)(v))
	slices.Sort(v.States)
	return err
}

// Key returns the bytes that a notification is signed with; nil is not to sign.
func (v *Webhook) Key() []byte {
	if encoded, ok := strings.CutPrefix(string(v.Secret), secretPrefix); ok {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil // Validate has refused it
		}
		return key
	}
	return []byte(v.Secret)
}

// Wants reports whether an event is one of those that the hook is for.
func (v *Hook) Wants(e Event) bool {
	switch {
	case e.Type == EventLost:
		return v.Style == HookEvent
	case e.Type != EventStateChanged || e.State == nil:
		return false
	}
	return len(v.States) == 0 || slices.Contains(v.States, e.State.To)
}

// hooks reports what is wrong with the hooks of an object of that kind, which may have the sync group.
func (e *FieldErrors) hooks(kind Kind, hooks map[string]Hook, syncGroup string) {
	const at = "/notify"
	if len(hooks) > maxHooks {
		e.add(at, "there are %d hooks: use at most %d", len(hooks), maxHooks)
	}
	for _, name := range slices.Sorted(maps.Keys(hooks)) {
		if bad := misnamed(name); bad != "" {
			e.add(pointer(at, name), "%s", bad)
		}
		v := hooks[name]
		*e = append(*e, v.validate(kind, syncGroup).Under(pointer(at, name))...)
	}
}

func (v *Hook) validate(kind Kind, syncGroup string) FieldErrors {
	var errs FieldErrors
	switch {
	case len(v.Command) == 0 && v.Webhook == nil:
		errs.add("", "a hook needs a command or a webhook")
	case len(v.Command) > 0 && v.Webhook != nil:
		errs.add("/webhook", "a hook has a command or a webhook, not both: make it two hooks")
	case v.Webhook != nil:
		errs = append(errs, v.Webhook.validate().Under("/webhook")...)
	default:
		errs.command("/command", v.Command)
	}
	errs.oneOf("/style", string(v.Style), HookStyles())
	switch {
	case v.Style == HookEvent:
	case v.Webhook != nil:
		errs.add("/style", "%q is for a command: a webhook is sent the event", v.Style)
	case kind != KindVRRPInstance && (v.Style == HookKeepalived || v.Style == HookKeepalivedGroup):
		errs.add("/style", "keepalived gives arguments to the scripts of VRRP instances alone: leave style out, name arguments of its own in command, and say in states when it runs")
	case v.Style == HookKeepalivedGroup && syncGroup == "":
		errs.add("/style", "the instance is in no sync group: set sync_group, or use the style keepalived")
	}
	states := InstanceStates()
	if kind == KindVirtualServer {
		states = VirtualServerStates()
	}
	for i, state := range v.States {
		errs.oneOf(fmt.Sprintf("/states/%d", i), state, states)
		if slices.Contains(v.States[:i], state) {
			errs.add(fmt.Sprintf("/states/%d", i), "%q stands there twice: remove one", state)
		}
	}
	if d := v.Timeout.Std(); d < minHookTimeout || d > maxHookTimeout {
		errs.add("/timeout", "%s is out of range: use %s to %s", d, minHookTimeout, maxHookTimeout)
	}
	return errs
}

func (v *Webhook) validate() FieldErrors {
	var errs FieldErrors
	u, err := url.Parse(v.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		errs.add("/url", "%q is not the URL of a web server: write https://hooks.example.com/lvs", withoutPassword(v.URL))
	case u.User != nil:
		errs.add("/url", "a password in it would be shown to everybody: remove it, and let the server see by secret who it is from")
	case u.Fragment != "":
		errs.add("/url", "what follows '#' is not sent: remove it")
	}
	if v.CACertPEM != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(v.CACertPEM)) {
		errs.add("/ca_cert_pem", "there is no certificate in it: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	if v.Secret != "" {
		switch n := len(v.Key()); {
		case n == 0:
			errs.add("/secret", "what follows %s is not base64", secretPrefix)
		case n < minSecret:
			errs.add("/secret", "it has %d bytes: use at least %d, at random", n, minSecret)
		}
	}
	return errs
}

// withoutPassword returns a text without what stands in it where a URL has its user and password.
func withoutPassword(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "…" + text[i:]
	}
	return text
}

// command reports what is wrong with a program and its arguments. There is a program. Its path is one of a director's,
// whatever machine this is.
func (e *FieldErrors) command(at string, command []string) {
	if !path.IsAbs(command[0]) || path.Clean(command[0]) != command[0] {
		e.add(at+"/0", "%q is not an absolute path without '.', '..' and doubled slashes", command[0])
	}
	for i, arg := range command {
		if strings.ContainsRune(arg, 0) {
			e.add(fmt.Sprintf("%s/%d", at, i), "an argument cannot hold a NUL byte")
		}
	}
}
