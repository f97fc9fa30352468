package config

import (
	"maps"
	"slices"
)

// Changed returns the names, as in the file, of the settings that are others in the other configuration.
func (c Config) Changed(other Config) []string {
	var names []string
	compare := func(name string, same bool) {
		if !same {
			names = append(names, name)
		}
	}
	compare("listen", c.Listen == other.Listen)
	compare("name", c.Name == other.Name)
	compare("state_dir", c.StateDir == other.StateDir)
	compare("dataplane", c.Dataplane == other.Dataplane)
	compare("drift_policy", c.DriftPolicy == other.DriftPolicy)
	compare("on_stop", c.OnStop == other.OnStop)
	compare("resync_interval", c.ResyncInterval == other.ResyncInterval)
	compare("startup_hold", c.StartupHold == other.StartupHold)
	tls, otherTLS := or(c.TLS, TLS{}), or(other.TLS, TLS{})
	compare("tls.cert_file", tls.CertFile == otherTLS.CertFile)
	compare("tls.key_file", tls.KeyFile == otherTLS.KeyFile)
	compare("tls.client_ca_file", tls.ClientCAFile == otherTLS.ClientCAFile)
	compare("tls.minimum_version", tls.MinimumVersion == otherTLS.MinimumVersion)
	auth, otherAuth := or(c.Auth, Auth{}), or(other.Auth, Auth{})
	compare("auth.token_file", auth.TokenFile == otherAuth.TokenFile)
	compare("auth.clients", maps.Equal(auth.Clients, otherAuth.Clients))
	compare("scripts.directory", c.Scripts.Directory == other.Scripts.Directory)
	compare("scripts.user", c.Scripts.User == other.Scripts.User)
	compare("scripts.allow_inline", c.Scripts.AllowInline == other.Scripts.AllowInline)
	compare("scripts.cpu_time", c.Scripts.Limits.CPUTime == other.Scripts.Limits.CPUTime)
	compare("scripts.memory", c.Scripts.Limits.Memory == other.Scripts.Limits.Memory)
	compare("scripts.processes", c.Scripts.Limits.Processes == other.Scripts.Limits.Processes)
	compare("metrics.listen", c.MetricsListen == other.MetricsListen)
	compare("limits.objects", c.Limits.Objects == other.Limits.Objects)
	compare("limits.connections", c.Limits.Connections == other.Limits.Connections)
	compare("log.level", c.Log.Level == other.Log.Level)
	compare("log.format", c.Log.Format == other.Log.Format)
	return names
}

// Reloadable reports whether a setting of that name takes effect when the file is read again. All others take another
// process.
func Reloadable(name string) bool {
	return slices.Contains([]string{"drift_policy", "on_stop", "limits.objects", "limits.connections", "log.level"}, name)
}

// TakesRestart reports whether a setting of that name is what an agent that takes over has to have in common with the one
// that runs.
func TakesRestart(name string) bool { return name == "state_dir" || name == "dataplane" }
