package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Names of the metrics that are made from the status when they are asked for. The labels of services
// and servers are those that operators know from node_exporter.
const (
	metricInstanceState    = "lvs_vrrp_instance_state"
	metricPriority         = "lvs_vrrp_effective_priority"
	metricAdvertsSent      = "lvs_vrrp_adverts_sent_total"
	metricAdvertsReceived  = "lvs_vrrp_adverts_received_total"
	metricBecameActive     = "lvs_vrrp_became_active_total"
	metricRestored         = "lvs_vrrp_addresses_restored_total"
	metricAdvertsDropped   = "lvs_vrrp_adverts_dropped_total"
	metricOddities         = "lvs_vrrp_oddities_total"
	metricServiceUp        = "lvs_virtual_server_up"
	metricServiceWeight    = "lvs_virtual_server_live_weight"
	metricServiceSorry     = "lvs_virtual_server_sorry"
	metricServerHealthy    = "lvs_real_server_healthy"
	metricServerWeight     = "lvs_real_server_weight"
	metricServerActive     = "lvs_real_server_active_connections"
	metricServerInactive   = "lvs_real_server_inactive_connections"
	metricServerPersistent = "lvs_real_server_persistent_connections"
	metricScriptPassing    = "lvs_check_script_passing"
	metricScriptRuns       = "lvs_check_script_runs_total"
	metricScriptFailures   = "lvs_check_script_failures_total"
	metricHookWaiting      = "lvs_hook_waiting"
	metricHookDelivered    = "lvs_hook_delivered_total"
	metricHookFailures     = "lvs_hook_failures_total"
	metricHookLost         = "lvs_hook_lost_total"
	metricIPVSAvailable    = "lvs_ipvs_available"
	metricSyncDaemon       = "lvs_ipvs_sync_daemon_running"
	metricDrift            = "lvs_drift"
	metricRevision         = "lvs_desired_revision"
	metricAgentInformation = "lvs_agent_info"
)

// MetricsHandler serves a registry of its own: the state of the director, computed when it is scraped,
// and whatever the collectors add.
func MetricsHandler(d Director, collectors ...prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(statusCollector{d})
	registry.MustRegister(collectors...)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// statusCollector turns a spec.Status into metrics.
type statusCollector struct{ director Director }

// Describe says nothing, which makes the collector an unchecked one: what there is depends on the state.
func (statusCollector) Describe(chan<- *prometheus.Desc) {}

// Collect computes the metrics from the status of this moment.
func (c statusCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.director.Status(context.Background())
	e := emitter{ch}
	e.gauge(metricAgentInformation, "1, with what runs here as labels.", 1, "name", s.Name, "version", s.Version, "dataplane", s.Dataplane)
	e.gauge(metricRevision, "Number of changes of the desired state.", float64(s.Revision))
	e.gauge(metricIPVSAvailable, "1 while the kernel balances.", boolean(s.IPVS.Available))
	e.gauge(metricSyncDaemon, "1 while the kernel's sync daemon of that state runs.", boolean(s.IPVSSettings.Master != nil), "state", "master")
	e.gauge(metricSyncDaemon, "1 while the kernel's sync daemon of that state runs.", boolean(s.IPVSSettings.Backup != nil), "state", "backup")
	e.gauge(metricDrift, "Differences between what was asked for and what the kernel holds.", float64(len(present(s.Drift))))
	for name, v := range s.VRRPInstances {
		e.instance(name, v)
	}
	for name, v := range s.VirtualServers {
		e.gauge(metricServiceUp, "1 while the service has its quorum.", boolean(v.State == spec.ServiceUp), "virtual_server", name)
		e.gauge(metricServiceWeight, "Sum of the weights of the servers that are up.", float64(v.LiveWeight), "virtual_server", name)
		e.gauge(metricServiceSorry, "1 while the sorry server takes the place of the real servers.", boolean(v.SorryServer), "virtual_server", name)
		of := append([]string{"virtual_server", name}, v.Identity.Labels()...)
		e.traffic("lvs_virtual_server_", "of the service", v.Traffic.Total, of)
		for server, r := range v.RealServers {
			labels := []string{"virtual_server", name, "real_server", server}
			e.gauge(metricServerHealthy, "1 while the real server passes its checks.", boolean(r.Healthy), labels...)
			e.gauge(metricServerWeight, "Weight in the kernel's table.", float64(r.Weight), labels...)
			e.gauge(metricServerActive, "Established connections.", float64(r.ActiveConnections), labels...)
			e.gauge(metricServerInactive, "Connections that are not established.", float64(r.InactiveConnections), labels...)
			e.gauge(metricServerPersistent, "Clients that persistence keeps with the server.", float64(r.PersistentConnections), labels...)
			e.traffic("lvs_real_server_", "of the real server", r.Traffic.Total, append(of[:len(of):len(of)], remoteLabels(server)...))
		}
	}
	for id, v := range s.Hooks {
		e.gauge(metricHookWaiting, "Notifications that are still to be delivered to the hook.", float64(v.Waiting), "hook", id)
		e.counter(metricHookDelivered, "Notifications that were delivered to the hook.", v.Delivered, "hook", id)
		e.counter(metricHookFailures, "Attempts to tell the hook that failed.", v.Failures, "hook", id)
		e.counter(metricHookLost, "Notifications of the hook that were given up.", v.Lost, "hook", id)
	}
	for name, v := range s.CheckScripts {
		e.gauge(metricScriptPassing, "1 while the check script passes.", boolean(v.Passing), "check_script", name)
		e.counter(metricScriptRuns, "Runs of the check script.", v.Runs, "check_script", name)
		e.counter(metricScriptFailures, "Runs of the check script that failed.", v.Failures, "check_script", name)
	}
}

// emitter sends metrics; labels come as name, value, name, value.
type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) instance(name string, v spec.VRRPInstanceStatus) {
	for _, state := range []spec.InstanceState{spec.InstanceInitialize, spec.InstanceBackup, spec.InstanceActive, spec.InstanceFault} {
		e.gauge(metricInstanceState, "1 for the state that the instance is in.", boolean(v.State == state), "instance", name, "state", string(state))
	}
	e.gauge(metricPriority, "Priority with the weights of what is tracked.", float64(v.EffectivePriority), "instance", name)
	e.counter(metricAdvertsSent, "Adverts sent.", v.AdvertsSent, "instance", name)
	e.counter(metricAdvertsReceived, "Adverts received and accepted.", v.AdvertsReceived, "instance", name)
	e.counter(metricBecameActive, "Times the instance became active.", v.BecameActive, "instance", name)
	e.counter(metricRestored, "Virtual addresses that somebody else removed and that were put back.", v.AddressesRestored, "instance", name)
	for oddity, n := range v.Oddities {
		e.counter(metricOddities, "Adverts that show another router's configuration to be at odds with the instance's.", n, "instance", name, "oddity", oddity)
	}
	for reason, n := range v.Drops {
		e.counter(metricAdvertsDropped, "Adverts dropped.", n, "instance", name, "reason", reason)
	}
}

// traffic sends what the kernel counts. The names behind the prefix are those of node_exporter's.
func (e emitter) traffic(prefix, whose string, t spec.TrafficCounts, labels []string) {
	e.counter(prefix+"connections_total", "Connections "+whose+".", t.Connections, labels...)
	e.counter(prefix+"incoming_packets_total", "Packets from clients "+whose+".", t.IncomingPackets, labels...)
	e.counter(prefix+"outgoing_packets_total", "Packets to clients "+whose+" that came through the director.", t.OutgoingPackets, labels...)
	e.counter(prefix+"incoming_bytes_total", "Bytes from clients "+whose+".", t.IncomingBytes, labels...)
	e.counter(prefix+"outgoing_bytes_total", "Bytes to clients "+whose+" that came through the director.", t.OutgoingBytes, labels...)
}

// remoteLabels returns what node_exporter calls a real server by.
func remoteLabels(server string) []string {
	address, err := netip.ParseAddrPort(server)
	if err != nil {
		return []string{"remote_address", server, "remote_port", ""}
	}
	return []string{"remote_address", address.Addr().String(), "remote_port", strconv.Itoa(int(address.Port()))}
}

func (e emitter) gauge(name, help string, value float64, labels ...string) {
	e.send(name, help, prometheus.GaugeValue, value, labels)
}

func (e emitter) counter(name, help string, value uint64, labels ...string) {
	e.send(name, help, prometheus.CounterValue, float64(value), labels)
}

func (e emitter) send(name, help string, kind prometheus.ValueType, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	e.ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
