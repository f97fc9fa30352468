package config

import (
	"strings"
	"testing"
	"time"
)

const whole = `
listen          = "192.0.2.11:8443"
name            = "d1"
state_dir       = "/var/lib/lvs-agent"
dataplane       = "kernel"
drift_policy    = "repair"
on_stop         = "keep"
resync_interval = "10s"
startup_hold    = "7s"

tls {
  cert_file      = "/etc/lvs-agent/server.pem"
  key_file       = "/etc/lvs-agent/server-key.pem"
  client_ca_file = "/etc/lvs-agent/ca.pem"
}
auth { token_file = "/etc/lvs-agent/tokens" }
scripts {
  directory    = "/etc/lvs-agent/scripts"
  user         = "lvs-check"
  allow_inline = true
  cpu_time     = "5s"
  memory       = "1GiB"
  processes    = 100
}
metrics { listen = "127.0.0.1:9750" }
limits {
  objects     = 2000
  connections = 64
}
log {
  level  = "info"
  format = "text"
}
`

func TestParseReadsEveryOption(t *testing.T) {
	t.Parallel()
	c, err := Parse("agent.hcl", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "d1" || c.ResyncInterval != 10*time.Second || c.StartupHold != 7*time.Second || c.TLS.ClientCAFile == "" ||
		c.Auth.TokenFile == "" || c.Scripts.User != "lvs-check" || !c.Scripts.AllowInline || c.Scripts.Limits != (ScriptLimits{5 * time.Second, 1 << 30, 100}) || c.MetricsListen != "127.0.0.1:9750" || c.Limits != (Limits{Objects: 2000, Connections: 64}) {
		t.Errorf("read %+v", c)
	}
}

func TestParseFillsInDefaults(t *testing.T) {
	t.Parallel()
	c, err := Parse("agent.hcl", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != DefaultListen || c.Name == "" || c.Dataplane != DataplaneKernel || c.DriftPolicy != DriftRepair ||
		c.OnStop != OnStopKeep || c.ResyncInterval != DefaultResyncInterval || c.StartupHold != 5*time.Second || c.Scripts.Directory != DefaultScripts ||
		c.Limits != (Limits{Objects: 100_000, Connections: 512}) || c.Scripts.Limits != (ScriptLimits{time.Minute, 512 << 20, 4096}) {
		t.Errorf("read %+v", c)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ src, want string }{
		"a misspelt key, with its line and the nearest known": {"\nlisten_ = \"127.0.0.1:1\"", `agent.hcl:2: Unsupported argument: An argument named "listen_" is not expected here. Did you mean "listen"?`},
		"broken HCL":                         {"listen = ", "agent.hcl:1"},
		"an unknown data plane":              {`dataplane = "ebpf"`, `dataplane: "ebpf" is not known: use "kernel" or "memory"`},
		"an unknown policy":                  {`drift_policy = "ignore"`, "drift_policy"},
		"an unknown end":                     {`on_stop = "delete"`, "on_stop"},
		"no address":                         {`listen = "8443"`, "is not address:port"},
		"a port that is none":                {`listen = "127.0.0.1:99999"`, "is not 0 to 65535"},
		"a relative socket":                  {`listen = "unix://agent.sock"`, "unix:///run/lvs-agent/agent.sock"},
		"a relative state folder":            {`state_dir = "state"`, "is not an absolute path"},
		"the network without anything":       {`listen = "192.0.2.11:8443"`, "tls {"},
		"every address without anything":     {`listen = ":8443"`, "tls {"},
		"the network without authentication": {"listen = \"192.0.2.11:8443\"\ntls {\n cert_file = \"/c\"\n key_file = \"/k\"\n}", "auth {"},
		"the network without TLS":            {"listen = \"192.0.2.11:8443\"\nauth {\n token_file = \"/t\"\n}", "tls {"},
		"a duration that is none":            {`resync_interval = "often"`, "resync_interval"},
		"a resync without pause":             {`resync_interval = "1ms"`, "too short"},
		"processor time that is none":        {`scripts { cpu_time = "much" }`, `scripts.cpu_time: "much" is not a duration: write "60s"`},
		"too little processor time":          {`scripts { cpu_time = "10ms" }`, "scripts.cpu_time: 10ms is out of range: use 1s to 24h0m0s, in whole seconds"},
		"memory that is none":                {`scripts { memory = "512M" }`, `scripts.memory: "512M" is not an amount of memory: write "512MiB" or "1GiB"`},
		"too little memory":                  {`scripts { memory = "1MiB" }`, `scripts.memory: "1MiB" is out of range: use 16MiB to 1024GiB`},
		"too few processes":                  {`scripts { processes = -1 }`, "scripts.processes: 0 is out of range: use 64 to 4194304"},
		"a hold that is no duration":         {`startup_hold = "a while"`, `startup_hold: "a while" is not a duration`},
		"a hold for ever":                    {`startup_hold = "1h"`, "startup_hold: 1h0m0s is out of range: use 0s to 10m0s"},
		"a hold into the past":               {`startup_hold = "-1s"`, "startup_hold: -1s is out of range"},
		"an old TLS":                         {"tls {\n cert_file = \"/c\"\n key_file = \"/k\"\n minimum_version = \"1.1\"\n}", `tls.minimum_version: "1.1" is not known: use "1.3" or "1.2"`},
		"an unknown scope":                   {"auth {\n token_file = \"/t\"\n clients = { a = \"admin\" }\n}", `auth.clients["a"]: "admin" is not known`},
		"names without certificates":         {"auth {\n clients = { a = \"read\" }\n}", "tls.client_ca_file"},
		"authentication by nothing":          {"auth {}", "it lets nobody in"},
		"metrics for everybody":              {"metrics {\n listen = \":9750\"\n}", "127.0.0.1:9750"},
		"metrics on every IPv4 address":      {"metrics {\n listen = \"0.0.0.0:9750\"\n}", "such as 127.0.0.1:9750"},
		"metrics on every IPv6 address":      {"metrics {\n listen = \"[::]:9750\"\n}", "such as 127.0.0.1:9750"},
		"metrics on every mapped address":    {"metrics {\n listen = \"[::ffff:0.0.0.0]:9750\"\n}", "such as 127.0.0.1:9750"},
		"no objects":                         {"limits {\n objects = 0\n}", "limits.objects: 0 is out of range: use 1 or more"},
		"hardly any connections":             {"limits {\n connections = 3\n}", "limits.connections: 3 is out of range: use 16 or more"},
		"an unknown limit":                   {"limits {\n object = 3\n}", `agent.hcl:2: Unsupported argument: An argument named "object" is not expected here. Did you mean "objects"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("agent.hcl", []byte(tt.src))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParseAllows(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"loopback with nothing":            `listen = "127.0.0.1:0"`,
		"IPv6 loopback with nothing":       `listen = "[::1]:8443"`,
		"a unix socket with nothing":       `listen = "unix:///run/lvs-agent/agent.sock"`,
		"the network with certificates":    "listen = \"192.0.2.11:8443\"\ntls {\n cert_file = \"/c\"\n key_file = \"/k\"\n client_ca_file = \"/a\"\n}",
		"TLS 1.2 and names":                "tls {\n cert_file = \"/c\"\n key_file = \"/k\"\n client_ca_file = \"/a\"\n minimum_version = \"1.2\"\n}\nauth {\n clients = { terraform = \"write\" }\n}",
		"the network with TLS and a token": "listen = \"0.0.0.0:8443\"\ntls {\n cert_file = \"/c\"\n key_file = \"/k\"\n}\nauth {\n token_file = \"/t\"\n}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse("agent.hcl", []byte(src)); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("tls {"))
	f.Fuzz(func(_ *testing.T, src []byte) { _, _ = Parse("agent.hcl", src) })
}
