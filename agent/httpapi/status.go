package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

type statusOutput struct{ Body spec.Status }

type textOutput struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func registerStatus(h huma.API, a *api, facts func() (spec.Facts, error)) {
	huma.Register(h, huma.Operation{
		OperationID: "status", Method: http.MethodGet, Path: "/v1/status", Tags: []string{"director"},
		Summary: "What is happening now, counters included",
	}, func(ctx context.Context, _ *struct{}) (*statusOutput, error) {
		out := &statusOutput{Body: a.director.Status(ctx)}
		if facts == nil {
			return out, nil
		}
		var err error
		if out.Body.Facts, err = facts(); err != nil {
			a.log.Warn("some facts of this machine are not known", "error", err)
		}
		return out, nil
	})

	registerSnapshot(h, a)
	health(h, "livez", "The process answers", func() error { return nil })
	health(h, "readyz", "The director does its work", a.director.Ready)
}

// health answers 200 and ok, or 503 and the reason, to anybody.
func health(h huma.API, id, summary string, check func() error) {
	words := map[string]*huma.MediaType{textType: {Schema: &huma.Schema{Type: huma.TypeString}}}
	huma.Register(h, huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: "/" + id, Tags: []string{"director"}, Summary: summary,
		Responses: map[string]*huma.Response{"200": {Description: "yes", Content: words}, "503": {Description: "no, and why", Content: words}},
	}, func(context.Context, *struct{}) (*textOutput, error) {
		out := &textOutput{Status: http.StatusOK, ContentType: textType + "; charset=utf-8", Body: []byte("ok\n")}
		if err := check(); err != nil {
			out.Status, out.Body = http.StatusServiceUnavailable, []byte(err.Error()+"\n")
		}
		return out, nil
	})
}

// Snapshot puts what is wanted and what is side by side.
func Snapshot(d spec.Desired, s spec.Status) spec.Snapshot {
	snapshot := spec.Snapshot{
		Name: s.Name, Version: s.Version, Revision: d.Revision, Drift: present(s.Drift),
		VRRPInstances:  map[string]spec.Object[spec.VRRPInstance, spec.VRRPInstanceState]{},
		VirtualServers: map[string]spec.VirtualServerSnapshot{},
		CheckScripts:   map[string]spec.Object[spec.CheckScript, spec.CheckScriptState]{},
	}
	for name, v := range d.VRRPInstances {
		snapshot.VRRPInstances[name] = object(v, s.VRRPInstances[name].VRRPInstanceState)
	}
	for name, v := range d.VirtualServers {
		snapshot.VirtualServers[name] = spec.VirtualServerSnapshot{
			Object:          object(v, s.VirtualServers[name].VirtualServerState),
			RealServers:     map[string]spec.Object[spec.RealServer, spec.RealServerState]{},
			RealServerGroup: owned(d, name),
		}
	}
	for key, v := range d.RealServers.All() {
		server := key.Address.String()
		if service, ok := snapshot.VirtualServers[key.VirtualServer]; ok {
			service.RealServers[server] = object(v, s.VirtualServers[key.VirtualServer].RealServers[server].RealServerState)
		}
	}
	for name, v := range d.CheckScripts {
		snapshot.CheckScripts[name] = object(v, s.CheckScripts[name].CheckScriptState)
	}
	if d.IPVSSettings != nil {
		settings := object(*d.IPVSSettings, s.IPVSSettings)
		snapshot.IPVSSettings = &settings
	}
	return snapshot
}

// present leaves out what was put right meanwhile: who asks for a snapshot compares it with what he wants.
func present(drift []spec.Drift) []spec.Drift {
	return slices.DeleteFunc(slices.Clone(drift), func(d spec.Drift) bool { return !d.Repaired.IsZero() })
}

func object[Spec, State any](v Spec, state State) spec.Object[Spec, State] {
	return spec.Object[Spec, State]{Spec: v, Status: state, ETag: spec.ETag(v)}
}

func owned(d spec.Desired, service string) bool {
	_, ok := d.Groups[service]
	return ok
}
