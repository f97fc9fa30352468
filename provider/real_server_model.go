package provider

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-nettypes/iptypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type realServerModel struct {
	placement
	patience
	serverModel
	VirtualServer types.String      `tfsdk:"virtual_server"`
	Address       iptypes.IPAddress `tfsdk:"address"`
	Port          types.Int64       `tfsdk:"port"`
}

func realServers() kind[spec.RealServer, spec.RealServerStatus] {
	return kind[spec.RealServer, spec.RealServerStatus]{
		kind: spec.KindRealServer, resource: "lvs_real_server", title: "Real Server",
		identity:   byServer(),
		keys:       serverKeys,
		collection: (*client.Client).RealServers,
		find: func(s *spec.Snapshot, key string) (spec.RealServer, bool) {
			k, err := spec.ParseServerKey(key)
			if err != nil {
				return spec.RealServer{}, false
			}
			v, ok := s.VirtualServers[k.VirtualServer].RealServers[k.Address.String()]
			return v.Spec, ok
		},
		judge: func(s *spec.Snapshot, key string, v spec.RealServer, o client.PutOptions) spec.Verdict {
			k, err := spec.ParseServerKey(key)
			if err != nil {
				return spec.Verdict{}
			}
			beside := others(s)
			if o.Ungroup {
				beside, _ = beside.DissolveGroup(k.VirtualServer)
			}
			return beside.FitRealServer(k, v)
		},
		remark:  serverRemark,
		carries: carriesServer, drains: true, rival: "lvs_real_server_group", takeOver: client.PutOptions{Ungroup: true},
	}
}

// grouped is the drift of a real server that a group owns.
func grouped(s *spec.Snapshot, key string) []spec.Drift {
	k, err := spec.ParseServerKey(key)
	if service := s.VirtualServers[k.VirtualServer]; err != nil || !service.RealServerGroup {
		return nil
	}
	return []spec.Drift{{Kind: spec.KindRealServer, Name: key, Field: ownerField, Actual: "the group of all servers", Want: "itself"}}
}

// others returns what a director has that a real server may not go with.
func others(s *spec.Snapshot) spec.Desired {
	d := spec.Desired{
		VirtualServers: make(map[string]spec.VirtualServer, len(s.VirtualServers)),
		CheckScripts:   make(map[string]spec.CheckScript, len(s.CheckScripts)),
		Groups:         map[string]spec.Owned{},
	}
	for name, v := range s.VirtualServers {
		d.VirtualServers[name] = v.Spec
		if v.RealServerGroup {
			d.Groups[name] = spec.Owned{}
		}
	}
	for name, v := range s.CheckScripts {
		d.CheckScripts[name] = v.Spec
	}
	if s.IPVSSettings != nil {
		d.IPVSSettings = &s.IPVSSettings.Spec
	}
	return d
}

func (m *realServerModel) key() string {
	return spec.ServerKey{VirtualServer: m.VirtualServer.ValueString(), Address: m.addressPort()}.String()
}

func (m *realServerModel) addressPort() netip.AddrPort {
	return netip.AddrPortFrom(address(m.Address), uint16(number(m.Port, 0)))
}

func (m *realServerModel) spec(string) spec.RealServer { return m.server() }

// confide takes over what only the configuration knows.
func (m *realServerModel) confide(config *realServerModel) { m.confided = config.HealthCheck }

func (m *realServerModel) variants() []string { return []string{""} }

func (m *realServerModel) validate(string) spec.FieldErrors {
	var errs spec.FieldErrors
	for _, e := range spec.ValidateName(m.VirtualServer.ValueString()) {
		errs = append(errs, spec.FieldError{Pointer: "/virtual_server", Detail: e.Detail})
	}
	server := m.addressPort()
	if port := number(m.Port, 0); port != int(server.Port()) {
		// A netip.AddrPort cannot hold it, so the vocabulary cannot judge it.
		errs = append(errs, spec.FieldError{Pointer: "/port", Detail: fmt.Sprintf("%d is out of range: use 1 to 65535", port)})
		server = netip.AddrPortFrom(server.Addr(), 1)
	}
	v := m.spec("")
	if m.UpperThreshold.IsUnknown() {
		v.UpperThreshold = math.MaxInt32 // whatever it will be, the lower one may be right
	}
	return append(errs, v.Validate(server)...)
}

func (m *realServerModel) locate(_, pointer string) string { return pointer }

func (m *realServerModel) complete() {}

func (m *realServerModel) adopt(map[string]spec.RealServer, []string) {}

func (m *realServerModel) observe(actual map[string]spec.RealServer) {
	m.show(agree(m.server(), actual))
}
