// Package config reads the agent's own file: where it listens, what it keeps, whom it lets in. What the
// director should do is not here: that is asked for through the API.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsimple"
)

// Defaults of the file.
const (
	DefaultListen         = "127.0.0.1:8443"
	DefaultStateDir       = "/var/lib/lvs-agent"
	DefaultScripts        = "/etc/lvs-agent/scripts"
	DefaultScriptUser     = "nobody"
	DefaultScriptCPUTime  = time.Minute
	DefaultScriptMemory   = "512MiB"
	DefaultProcesses      = 4096
	DefaultResyncInterval = 30 * time.Second
	DefaultStartupHold    = 5 * time.Second
	// DefaultObjects is several times what the largest clusters have, and few enough for a machine of 2 GB.
	DefaultObjects = 100_000
	// DefaultConnections leaves the checks their descriptors: a cluster has a handful of clients.
	DefaultConnections = 512
)

// Ranges of what scripts may take.
const (
	minScriptCPUTime, maxScriptCPUTime = time.Second, 24 * time.Hour
	minScriptMemory, maxScriptMemory   = 16 << 20, 1 << 40 // bytes
	minProcesses, maxProcesses         = 64, 1 << 22
)

// maxStartupHold bounds how long addresses may be nowhere although a director is there.
const maxStartupHold = 10 * time.Minute

// minConnections is what a few clients and those who look on have at a time.
const minConnections = 16

// Config is the file, with its defaults filled in.
type Config struct {
	// Listen is the API's address: host:port, or unix:///path of a socket.
	Listen string
	// Name is the director's name in answers, logs and metrics.
	Name string
	// StateDir is the folder of everything the agent keeps.
	StateDir string
	// Dataplane is DataplaneKernel or DataplaneMemory.
	Dataplane string
	// DriftPolicy is DriftRepair or DriftReport.
	DriftPolicy string
	// OnStop is OnStopKeep or OnStopRelease.
	OnStop string
	// ResyncInterval is the time between two comparisons of the whole table with the kernel's.
	ResyncInterval time.Duration
	// StartupHold is how long an instance waits at most, before it becomes active, for the first verdicts on
	// the services on its addresses; 0 does not wait.
	StartupHold time.Duration

	TLS     *TLS
	Auth    *Auth
	Scripts Scripts
	// MetricsListen is the address of a second listener that serves /metrics alone; "" for none.
	MetricsListen string
	Limits        Limits
	Log           Log
}

// Words that the file's options take.
const (
	DataplaneKernel = "kernel"
	DataplaneMemory = "memory"
	DriftRepair     = "repair"
	DriftReport     = "report"
	OnStopKeep      = "keep"
	OnStopRelease   = "release"
	TLS13           = "1.3"
	TLS12           = "1.2"
	ScopeRead       = "read"
	ScopeWrite      = "write"
)

// TLS names the PEM files of the API's listener. With a ClientCAFile a certificate that it signed is
// as good as a token.
type TLS struct {
	CertFile     string `hcl:"cert_file"`
	KeyFile      string `hcl:"key_file"`
	ClientCAFile string `hcl:"client_ca_file,optional"`
	// MinimumVersion is TLS13, the default, or TLS12.
	MinimumVersion string `hcl:"minimum_version,optional"`
}

// Auth says who may come in.
type Auth struct {
	TokenFile string `hcl:"token_file,optional"`
	// Clients are the names (CN) of client certificates that are let in, with their scopes, read or write. Left out,
	// every certificate that the client CA has signed may write.
	Clients map[string]string `hcl:"clients,optional"`
}

// Scripts says which programs may be check scripts, and as whom they run.
type Scripts struct {
	Directory   string `hcl:"directory,optional"`
	User        string `hcl:"user,optional"`
	AllowInline bool   `hcl:"allow_inline,optional"`

	// CPUTime, Memory and Processes are as the file has them; Limits is what they say.
	CPUTime   *string `hcl:"cpu_time"`
	Memory    *string `hcl:"memory"`
	Processes *int64  `hcl:"processes"`
	Limits    ScriptLimits
}

// ScriptLimits are what programs may take.
type ScriptLimits struct {
	// CPUTime is the processor time of each process: 1s to 24h, in whole seconds.
	CPUTime time.Duration
	// Memory is what each process may have of data, in bytes: 16 MiB to 1 TiB.
	Memory uint64
	// Processes is how many processes and threads the user of scripts may have, all scripts together: 64 to 4,194,304,
	// which is the most that a Linux has.
	Processes uint64
}

// Limits bound what the API's clients can have the agent keep.
type Limits struct {
	// Objects is how many instances, virtual servers, real servers and check scripts there may be together, 1 or more.
	Objects int
	// Connections is how many connections a listener has at most, 16 or more. Beyond, those make room that say nothing.
	Connections int
}

// Log says what is logged, to standard error.
type Log struct {
	Level  string `hcl:"level,optional"`
	Format string `hcl:"format,optional"`
}

// file is the HCL as it is written; a pointer tells what was left out.
type file struct {
	Listen         *string `hcl:"listen"`
	Name           *string `hcl:"name"`
	StateDir       *string `hcl:"state_dir"`
	Dataplane      *string `hcl:"dataplane"`
	DriftPolicy    *string `hcl:"drift_policy"`
	OnStop         *string `hcl:"on_stop"`
	ResyncInterval *string `hcl:"resync_interval"`
	StartupHold    *string `hcl:"startup_hold"`

	TLS     *TLS     `hcl:"tls,block"`
	Auth    *Auth    `hcl:"auth,block"`
	Scripts *Scripts `hcl:"scripts,block"`
	Metrics *struct {
		Listen string `hcl:"listen"`
	} `hcl:"metrics,block"`
	Limits *struct {
		Objects     *int `hcl:"objects"`
		Connections *int `hcl:"connections"`
	} `hcl:"limits,block"`
	Log *Log `hcl:"log,block"`
}

// Load reads the file at path. The error names every mistake with its line.
func Load(path string) (Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the agent's file: %w", err)
	}
	return Parse(path, src)
}

// Parse reads the text of a file; path is for messages.
func Parse(path string, src []byte) (Config, error) {
	var f file
	if err := hclsimple.Decode(hclName(path), src, nil, &f); err != nil {
		if diagnostics, ok := errors.AsType[hcl.Diagnostics](err); ok {
			return Config{}, explain(path, diagnostics)
		}
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := f.config()
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Dev returns the configuration of `lvs-agent run --dev`: a memory data plane on loopback.
func Dev() (Config, error) { return Parse("--dev", []byte(`dataplane = "memory"`)) }

func (f file) config() (Config, error) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "director"
	}
	c := Config{
		Listen:         or(f.Listen, DefaultListen),
		Name:           or(f.Name, host),
		StateDir:       or(f.StateDir, DefaultStateDir),
		Dataplane:      or(f.Dataplane, DataplaneKernel),
		DriftPolicy:    or(f.DriftPolicy, DriftRepair),
		OnStop:         or(f.OnStop, OnStopKeep),
		ResyncInterval: DefaultResyncInterval,
		StartupHold:    DefaultStartupHold,
		TLS:            f.TLS,
		Auth:           f.Auth,
	}
	if f.ResyncInterval != nil {
		c.ResyncInterval, err = time.ParseDuration(*f.ResyncInterval)
		if err != nil {
			return c, fmt.Errorf("resync_interval: %q is not a duration: write \"30s\"", *f.ResyncInterval)
		}
	}
	if f.StartupHold != nil {
		c.StartupHold, err = time.ParseDuration(*f.StartupHold)
		if err != nil {
			return c, fmt.Errorf("startup_hold: %q is not a duration: write \"5s\"", *f.StartupHold)
		}
	}
	if f.Scripts != nil {
		c.Scripts = *f.Scripts
	}
	if c.Scripts.Directory == "" {
		c.Scripts.Directory = DefaultScripts
	}
	if c.Scripts.User == "" {
		c.Scripts.User = DefaultScriptUser
	}
	if c.Scripts.Limits, err = c.Scripts.limits(); err != nil {
		return c, err
	}
	if f.Metrics != nil {
		c.MetricsListen = f.Metrics.Listen
	}
	c.Limits = Limits{Objects: DefaultObjects, Connections: DefaultConnections}
	if f.Limits != nil {
		c.Limits = Limits{Objects: or(f.Limits.Objects, DefaultObjects), Connections: or(f.Limits.Connections, DefaultConnections)}
	}
	if f.Log != nil {
		c.Log = *f.Log
	}
	if c.Log.Level == "" {
		c.Log.Level = "info"
	}
	if c.Log.Format == "" {
		c.Log.Format = "text"
	}
	return c, nil
}

// Validate reports every mistake that can be seen without opening anything.
func (c Config) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	word := func(key, value string, allowed ...string) {
		for _, a := range allowed {
			if a == value {
				return
			}
		}
		refuse("%s: %q is not known: use %s", key, value, strings.Join(quoted(allowed), " or "))
	}
	word("dataplane", c.Dataplane, DataplaneKernel, DataplaneMemory)
	word("drift_policy", c.DriftPolicy, DriftRepair, DriftReport)
	word("on_stop", c.OnStop, OnStopKeep, OnStopRelease)
	word("log.level", c.Log.Level, "debug", "info", "warn", "error")
	word("log.format", c.Log.Format, "text", "json")
	if c.TLS != nil && c.TLS.MinimumVersion != "" {
		word("tls.minimum_version", c.TLS.MinimumVersion, TLS13, TLS12)
	}
	if c.Auth != nil {
		for _, name := range slices.Sorted(maps.Keys(c.Auth.Clients)) {
			word(fmt.Sprintf("auth.clients[%q]", name), c.Auth.Clients[name], ScopeRead, ScopeWrite)
		}
		if c.Auth.Clients != nil && (c.TLS == nil || c.TLS.ClientCAFile == "") {
			refuse("auth.clients: nobody shows a certificate without tls.client_ca_file: add it, or use token_file")
		}
		if c.Auth.Clients == nil && c.Auth.TokenFile == "" {
			refuse("auth: it lets nobody in: add token_file = \"/etc/lvs-agent/tokens\"")
		}
	}
	if c.Name == "" || strings.ContainsAny(c.Name, " \t\r\n\"") {
		refuse("name: %q is empty or has white space or quotes in it", c.Name)
	}
	if c.ResyncInterval < time.Second {
		refuse("resync_interval: %s is too short: use 1s or more", c.ResyncInterval)
	}
	if c.StartupHold < 0 || c.StartupHold > maxStartupHold {
		refuse("startup_hold: %s is out of range: use 0s to %s", c.StartupHold, maxStartupHold)
	}
	if c.Limits.Objects < 1 {
		refuse("limits.objects: %d is out of range: use 1 or more", c.Limits.Objects)
	}
	if c.Limits.Connections < minConnections {
		refuse("limits.connections: %d is out of range: use %d or more", c.Limits.Connections, minConnections)
	}
	if !filepath.IsAbs(c.StateDir) {
		refuse("state_dir: %q is not an absolute path", c.StateDir)
	}
	if !filepath.IsAbs(c.Scripts.Directory) {
		refuse("scripts.directory: %q is not an absolute path", c.Scripts.Directory)
	}
	if d := c.Scripts.Limits.CPUTime; d < minScriptCPUTime || d > maxScriptCPUTime || d%time.Second != 0 {
		refuse("scripts.cpu_time: %s is out of range: use %s to %s, in whole seconds", d, minScriptCPUTime, maxScriptCPUTime)
	}
	if n := c.Scripts.Limits.Memory; n < minScriptMemory || n > maxScriptMemory {
		refuse("scripts.memory: %q is out of range: use 16MiB to 1024GiB", *c.Scripts.Memory)
	}
	if n := c.Scripts.Limits.Processes; n < minProcesses || n > maxProcesses {
		refuse("scripts.processes: %d is out of range: use %d to %d", n, minProcesses, maxProcesses)
	}
	if err := c.validateListen(); err != nil {
		errs = append(errs, err)
	}
	if c.MetricsListen != "" {
		switch host, err := hostPort(c.MetricsListen); {
		case err != nil:
			refuse("metrics.listen: %w", err)
		case everyAddress(host):
			refuse("metrics.listen: %s is every address, and the listener asks for no token: name one, such as 127.0.0.1%s", c.MetricsListen, c.MetricsListen[strings.LastIndexByte(c.MetricsListen, ':'):])
		}
	}
	return errors.Join(errs...)
}

// validateListen refuses a listener that anybody on the network could use or overhear.
func (c Config) validateListen() error {
	if path, unix := c.UnixSocket(); unix {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("listen: %q: a unix socket is written unix:///run/lvs-agent/agent.sock", c.Listen)
		}
		return nil
	}
	host, err := hostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if loopback(host) {
		return nil
	}
	var missing []string
	if c.TLS == nil {
		missing = append(missing, "tls {\n    cert_file = \"/etc/lvs-agent/server.pem\"\n    key_file  = \"/etc/lvs-agent/server-key.pem\"\n  }")
	}
	if c.Auth == nil && (c.TLS == nil || c.TLS.ClientCAFile == "") {
		missing = append(missing, `auth { token_file = "/etc/lvs-agent/tokens" }`)
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("listen: %s can be reached from the network, without %s anybody there could take the director over: add\n  %s\nor listen on 127.0.0.1 or unix:///run/lvs-agent/agent.sock",
		c.Listen, map[bool]string{true: "TLS", false: "authentication"}[c.TLS == nil], strings.Join(missing, "\n  "))
}

// limits reads what scripts may take, with the defaults filled in. Its ranges are Validate's.
func (s Scripts) limits() (ScriptLimits, error) {
	l := ScriptLimits{CPUTime: DefaultScriptCPUTime, Processes: DefaultProcesses}
	var err error
	if s.CPUTime != nil {
		if l.CPUTime, err = time.ParseDuration(*s.CPUTime); err != nil {
			return l, fmt.Errorf("scripts.cpu_time: %q is not a duration: write \"60s\"", *s.CPUTime)
		}
	}
	if l.Memory, err = size(or(s.Memory, DefaultScriptMemory)); err != nil {
		return l, fmt.Errorf("scripts.memory: %w", err)
	}
	if s.Processes != nil {
		l.Processes = uint64(max(0, *s.Processes))
	}
	return l, nil
}

// size reads an amount of memory, in bytes: 512MiB.
func size(s string) (uint64, error) {
	for unit, bytes := range map[string]uint64{"MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			if n, err := strconv.ParseUint(number, 10, 32); err == nil {
				return n * bytes, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is not an amount of memory: write \"512MiB\" or \"1GiB\"", s)
}

// UnixSocket returns the path of the socket when the API listens on one.
func (c Config) UnixSocket() (string, bool) { return strings.CutPrefix(c.Listen, "unix://") }

func hostPort(s string) (host string, err error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%q is not address:port: write 192.0.2.11:8443 or [2001:db8::1]:8443", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q: port %q is not 0 to 65535", s, port)
	}
	return host, nil
}

// everyAddress reports whether who listens there listens on all addresses of the machine.
func everyAddress(host string) bool {
	if host == "" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.WithZone("").Unmap().IsUnspecified()
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// explain names file, line and mend of every mistake in the HCL.
func explain(path string, diagnostics hcl.Diagnostics) error {
	var errs []error
	for _, d := range diagnostics {
		line := 0
		if d.Subject != nil {
			line = d.Subject.Start.Line
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s: %s", path, line, d.Summary, d.Detail))
	}
	return errors.Join(errs...)
}

// hclName gives any file the ending by which the library tells HCL from JSON.
func hclName(path string) string {
	if filepath.Ext(path) == ".json" {
		return path
	}
	return strings.TrimSuffix(path, ".hcl") + ".hcl"
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

func quoted(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return q
}
