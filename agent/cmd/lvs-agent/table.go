package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// printStatus writes a status as tables for a person; now is the time that ages are counted to.
func printStatus(w io.Writer, s spec.Status, now time.Time) error {
	fmt.Fprintf(w, "%s  lvs-agent %s, %s data plane, IPVS %s, revision %d\n", s.Name, s.Version, s.Dataplane, ipvs(s.IPVS), s.Revision)
	if s.Degraded != "" {
		fmt.Fprintf(w, "DEGRADED: %s\n", s.Degraded)
	}

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		text := make([]string, len(cells))
		for i, c := range cells {
			text[i] = fmt.Sprint(c)
		}
		fmt.Fprintln(t, strings.Join(text, "\t"))
	}
	if len(s.VRRPInstances) > 0 {
		row("\nVRRP INSTANCE", "STATE", "PRIORITY", "SINCE", "ACTIVE ROUTER", "REASON")
		for _, name := range slices.Sorted(maps.Keys(s.VRRPInstances)) {
			v := s.VRRPInstances[name]
			row(name, v.State, v.EffectivePriority, age(v.Since, now), dash(v.ActiveRouter), why(v))
		}
	}
	if names := warned(s.VRRPInstances); len(names) > 0 {
		row("\nVRRP INSTANCE", "WARNING")
		for _, name := range names {
			for _, warning := range s.VRRPInstances[name].Warnings {
				row(name, warning)
			}
		}
	}
	if len(s.VirtualServers) > 0 {
		row("\nVIRTUAL SERVER", "REAL SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE", "LAST CHECK")
		for _, name := range slices.Sorted(maps.Keys(s.VirtualServers)) {
			v := s.VirtualServers[name]
			row(name, "", v.State, v.LiveWeight, "", "", inPlace(v))
			for _, server := range slices.Sorted(maps.Keys(v.RealServers)) {
				r := v.RealServers[server]
				row("", server, serverState(r, now), r.Weight, r.ActiveConnections, r.InactiveConnections, r.Reason)
			}
		}
	}
	if len(s.CheckScripts) > 0 {
		row("\nCHECK SCRIPT", "STATE", "RUNS", "FAILURES", "LAST RUN")
		for _, name := range slices.Sorted(maps.Keys(s.CheckScripts)) {
			v := s.CheckScripts[name]
			row(name, verdict(v.Passing), v.Runs, v.Failures, v.Reason)
		}
	}
	if len(s.Hooks) > 0 {
		row("\nHOOK", "WAITING", "DELIVERED", "FAILURES", "LOST", "LAST FAILURE")
		for _, id := range slices.Sorted(maps.Keys(s.Hooks)) {
			v := s.Hooks[id]
			row(id, v.Waiting, v.Delivered, v.Failures, v.Lost, v.Reason)
		}
	}
	if s.IPVSSettings.Master != nil || s.IPVSSettings.Backup != nil {
		row("\nSYNC DAEMON", "INTERFACE", "ID", "GROUP", "PORT")
		for _, one := range []struct {
			state  string
			daemon *spec.SyncDaemon
		}{{"master", s.IPVSSettings.Master}, {"backup", s.IPVSSettings.Backup}} {
			if d := one.daemon; d != nil {
				row(one.state, d.Interface, d.SyncID, d.Group, d.Port)
			}
		}
	}
	if len(s.Drift) > 0 {
		row("\nDRIFT", "SERVER", "FIELD", "ACTUAL", "WANT", "REPAIRED")
		for _, d := range s.Drift {
			row(named(d), dash(d.Server), d.Field, d.Actual, d.Want, ago(d.Repaired, now))
		}
	}
	return t.Flush()
}

// why says what keeps an instance from being what its priority says.
func why(v spec.VRRPInstanceStatus) string {
	if v.Reason == "" && v.Failover {
		return "failover: stays away"
	}
	return v.Reason
}

// inPlace says who takes a service's connections when its servers do not, or why it is degraded.
func inPlace(v spec.VirtualServerStatus) string {
	if v.SorryServer {
		return "quorum lost: the sorry server takes its place"
	}
	return v.Reason
}

// warned returns the instances with warnings, in order.
func warned(instances map[string]spec.VRRPInstanceStatus) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(instances)), func(name string) bool { return len(instances[name].Warnings) == 0 })
}

func ipvs(s spec.IPVSStatus) string {
	if s.Available {
		return s.Version
	}
	return "unavailable: " + s.Reason
}

func health(healthy bool) string {
	if healthy {
		return "healthy"
	}
	return "unhealthy"
}

// serverState says how a server is, and why it gets no connections though it is well.
func serverState(r spec.RealServerStatus, now time.Time) string {
	state := health(r.Healthy)
	switch {
	case r.Drain == nil:
		return state
	case r.Drain.Kind == spec.DrainRemoval:
		return fmt.Sprintf("leaving, %d left, at most %s", r.ConnectionsLeft, max(0, r.Drain.Deadline.Sub(now)).Round(time.Second))
	}
	return fmt.Sprintf("%s, in maintenance, %d left", state, r.ConnectionsLeft)
}

func verdict(passing bool) string {
	if passing {
		return "passing"
	}
	return "failing"
}

func age(since, now time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return now.Sub(since).Truncate(time.Second).String()
}

// ago is for what may not have happened.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "no"
	}
	return age(at, now) + " ago"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// named is the object that drift is of. The IPVS settings have no name.
func named(d spec.Drift) string {
	if d.Name == "" {
		return d.Kind.String()
	}
	return d.Name
}
