package httpapi

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// objectOutput is the answer to GET and PUT of one object.
type objectOutput[Spec, State any] struct {
	Status int
	ETag   string `header:"ETag"`
	Body   spec.Object[Spec, State]
}

// NamePath is the path of an object that has a name. It is exported, as are the other parts of a
// request, because huma passes over what is not.
type NamePath struct {
	Name string `path:"name" doc:"name of the object"`
}

// ServerPath is the path of a real server: its service's name and its address:port.
type ServerPath struct {
	Name   string `path:"name" doc:"name of the virtual server"`
	Server string `path:"server" doc:"address:port in canonical form: 192.0.2.21:80, [2001:db8::1]:80"`
}

// SettingsPath is the path of the IPVS settings, of which a director has one.
type SettingsPath struct{}

func (p NamePath) key() string   { return p.Name }
func (SettingsPath) key() string { return spec.IPVSSettingsKey }
func (p ServerPath) key() string { return p.Name + "/" + p.Server }

// PutOptions is what a PUT takes beside the path.
type PutOptions struct {
	DryRun         bool   `query:"dry_run" doc:"do everything but change; unresolved references are listed apart"`
	IfMatch        string `header:"If-Match" doc:"the ETag that was read: another one is refused with 412"`
	IfNoneMatch    string `header:"If-None-Match" doc:"*: create only"`
	IdempotencyKey string `header:"Idempotency-Key" doc:"of a create: its repetition succeeds"`
	RawBody        []byte `contentType:"application/json"`
}

// DeleteOptions is what a DELETE takes beside the path.
type DeleteOptions struct {
	DryRun  bool   `query:"dry_run" doc:"do everything but change"`
	IfMatch string `header:"If-Match" doc:"the ETag that was read: another one is refused with 412"`
	Cascade bool   `query:"cascade" doc:"of a virtual server: its real servers, too, without waiting for their connections"`
	Drain   string `query:"drain" doc:"of a real server: how long its connections are waited for, instead of its drain_timeout; 0s cuts them"`
}

type (
	namePut struct {
		NamePath
		PutOptions
	}
	nameDelete struct {
		NamePath
		DeleteOptions
	}
	settingsPut struct {
		SettingsPath
		PutOptions
	}
	settingsDelete struct {
		SettingsPath
		DeleteOptions
	}
	serverPut struct {
		ServerPath
		PutOptions
		Ungroup bool `query:"ungroup" doc:"if the real servers of the virtual server are a group, they are none any more: each stays as it is, by itself"`
	}
	serverDelete struct {
		ServerPath
		DeleteOptions
	}
)

func (o PutOptions) put() (request, []byte) {
	return request{dryRun: o.DryRun, ifMatch: o.IfMatch, ifNoneMatch: o.IfNoneMatch, idempotencyKey: o.IdempotencyKey}, o.RawBody
}

func (in serverPut) put() (request, []byte) {
	r, body := in.PutOptions.put()
	r.ungroup = in.Ungroup
	return r, body
}

func (o DeleteOptions) remove() (request, error) {
	drain, err := drainTimeout(o.Drain)
	return request{dryRun: o.DryRun, ifMatch: o.IfMatch, cascade: o.Cascade, drain: drain}, err
}

// deleteOutput is the answer to DELETE: 204, or 202 while the object is still there.
type deleteOutput struct{ Status int }

func registerObjects(h huma.API, a *api) {
	instances, services, servers, scripts := vrrpInstances(), virtualServers(), realServers(), checkScripts()
	register[NamePath, instancePut, nameDelete](h, a, "vrrp-instance", "/v1/vrrp-instances/{name}", instances)
	register[NamePath, namePut, nameDelete](h, a, "virtual-server", "/v1/virtual-servers/{name}", services)
	register[ServerPath, serverPut, serverDelete](h, a, "real-server", "/v1/virtual-servers/{name}/real-servers/{server}", servers)
	register[NamePath, namePut, nameDelete](h, a, "real-server-group", "/v1/virtual-servers/{name}/real-servers", realServerGroups())
	register[NamePath, namePut, nameDelete](h, a, "check-script", "/v1/check-scripts/{name}", scripts)
	register[SettingsPath, settingsPut, settingsDelete](h, a, "ipvs-settings", "/v1/ipvs-settings", ipvsSettings())

	list(h, a, "vrrp-instances", instances, func(d spec.Desired) []string { return names(d.VRRPInstances) })
	list(h, a, "virtual-servers", services, func(d spec.Desired) []string { return names(d.VirtualServers) })
	list(h, a, "check-scripts", scripts, func(d spec.Desired) []string { return names(d.CheckScripts) })
}

// register adds GET, PUT and DELETE of one kind of object.
func register[Path keyed, Put interface {
	keyed
	put() (request, []byte)
}, Delete interface {
	keyed
	remove() (request, error)
}, Spec, State any](h huma.API, a *api, id, path string, k kind[Spec, State]) {
	one, tags := "a "+k.kind.String(), []string{k.kind.String() + "s"}
	if k.kind == spec.KindIPVSSettings { // there is one of them
		one, tags = "the "+k.kind.String(), []string{k.kind.String()}
	}
	huma.Register(h, huma.Operation{
		OperationID: "get-" + id, Method: http.MethodGet, Path: path, Tags: tags, Summary: "Read " + one,
	}, func(ctx context.Context, in *Path) (*objectOutput[Spec, State], error) {
		return k.read(ctx, a, (*in).key())
	})

	maxBody := k.maxBody
	if maxBody == 0 {
		maxBody = MaxBody
	}
	put := huma.Operation{
		OperationID: "put-" + id, Method: http.MethodPut, Path: path, Tags: tags, Summary: "Create or change " + one,
		MaxBodyBytes: maxBody, SkipValidateBody: true,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}},
	}
	huma.Register(h, put, func(ctx context.Context, in *Put) (*objectOutput[Spec, State], error) {
		r, body := (*in).put()
		return k.put(ctx, a, (*in).key(), body, r)
	})
	// The body is read by spec.Decode, so that there is one validation; the document says what it takes.
	put.RequestBody.Content["application/json"].Schema = h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Spec](), true, id)

	gone := huma.Operation{
		OperationID: "delete-" + id, Method: http.MethodDelete, Path: path, Tags: tags, Summary: "Delete " + one,
		DefaultStatus: http.StatusNoContent,
	}
	if k.leaving != nil {
		gone.Responses = map[string]*huma.Response{"202": {Description: "its connections are still to end: it is gone when GET answers 404"}}
	}
	huma.Register(h, gone, func(ctx context.Context, in *Delete) (*deleteOutput, error) {
		r, err := (*in).remove()
		if err != nil {
			return nil, err
		}
		status, err := k.remove(ctx, a, (*in).key(), r)
		if err != nil {
			return nil, err
		}
		return &deleteOutput{Status: status}, nil
	})
}

type keyed interface{ key() string }

type listOutput[Spec, State any] struct {
	Body map[string]spec.Object[Spec, State]
}

func list[Spec, State any](h huma.API, a *api, id string, k kind[Spec, State], keys func(spec.Desired) []string) {
	huma.Register(h, huma.Operation{
		OperationID: "list-" + id, Method: http.MethodGet, Path: "/v1/" + id, Tags: []string{k.kind.String() + "s"},
		Summary: "Read all " + k.kind.String() + "s, by name",
	}, func(ctx context.Context, _ *struct{}) (*listOutput[Spec, State], error) {
		d, status := a.store.Desired(), a.director.Status(ctx)
		objects := map[string]spec.Object[Spec, State]{}
		for _, key := range keys(d) {
			v, _ := k.get(d, key)
			objects[key] = spec.Object[Spec, State]{Spec: v, Status: k.state(status, key), ETag: spec.ETag(v)}
		}
		return &listOutput[Spec, State]{Body: objects}, nil
	})
}

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func vrrpInstances() kind[spec.VRRPInstance, spec.VRRPInstanceStatus] {
	return kind[spec.VRRPInstance, spec.VRRPInstanceStatus]{
		kind: spec.KindVRRPInstance,
		key:  spec.ValidateName,
		get: func(d spec.Desired, key string) (spec.VRRPInstance, bool) {
			v, ok := d.VRRPInstances[key]
			return v, ok
		},
		validate: func(_ string, v *spec.VRRPInstance) spec.FieldErrors { return v.Validate() },
		fit:      spec.Desired.FitVRRPInstance,
		state:    func(s spec.Status, key string) spec.VRRPInstanceStatus { return s.VRRPInstances[key] },
	}
}

func virtualServers() kind[spec.VirtualServer, spec.VirtualServerStatus] {
	return kind[spec.VirtualServer, spec.VirtualServerStatus]{
		kind: spec.KindVirtualServer,
		key:  spec.ValidateName,
		get: func(d spec.Desired, key string) (spec.VirtualServer, bool) {
			v, ok := d.VirtualServers[key]
			return v, ok
		},
		validate: func(_ string, v *spec.VirtualServer) spec.FieldErrors { return v.Validate() },
		fit:      spec.Desired.FitVirtualServer,
		gone:     removeService,
		state:    func(s spec.Status, key string) spec.VirtualServerStatus { return s.VirtualServers[key] },
	}
}

func realServers() kind[spec.RealServer, spec.RealServerStatus] {
	return kind[spec.RealServer, spec.RealServerStatus]{
		kind: spec.KindRealServer,
		key: func(key string) spec.FieldErrors {
			if _, err := spec.ParseServerKey(key); err != nil {
				return spec.FieldErrors{{Pointer: "/address", Detail: err.Error()}}
			}
			return nil
		},
		get: func(d spec.Desired, key string) (spec.RealServer, bool) {
			parsed, err := spec.ParseServerKey(key)
			v, ok := d.RealServers.Get(parsed)
			return v, ok && err == nil
		},
		validate: func(key string, v *spec.RealServer) spec.FieldErrors {
			parsed, _ := spec.ParseServerKey(key) // key has passed
			return v.Validate(parsed.Address)
		},
		fit: func(d spec.Desired, key string, v spec.RealServer) spec.Verdict {
			parsed, _ := spec.ParseServerKey(key) // key has passed
			return d.FitRealServer(parsed, v)
		},
		prepare: func(d spec.Desired, key string, r request) (spec.Desired, []spec.Change) {
			if !r.ungroup {
				return d, nil
			}
			parsed, _ := spec.ParseServerKey(key) // key has passed
			return d.DissolveGroup(parsed.VirtualServer)
		},
		came: func(d spec.Desired, key string, v spec.RealServer) []spec.Change {
			parsed, _ := spec.ParseServerKey(key) // key has passed
			return d.PutServer(parsed, v)
		},
		gone: removeServer,
		leaving: func(d spec.Desired, key string) (spec.RealServer, bool) {
			parsed, err := spec.ParseServerKey(key)
			drain, _ := d.Drains.Get(parsed)
			if err != nil || !drain.Removes() {
				return spec.RealServer{}, false
			}
			return *drain.Server, true
		},
		state: func(s spec.Status, key string) spec.RealServerStatus {
			parsed, _ := spec.ParseServerKey(key) // key has passed
			return s.VirtualServers[parsed.VirtualServer].RealServers[parsed.Address.String()]
		},
	}
}

func checkScripts() kind[spec.CheckScript, spec.CheckScriptStatus] {
	return kind[spec.CheckScript, spec.CheckScriptStatus]{
		kind:     spec.KindCheckScript,
		key:      spec.ValidateName,
		get:      func(d spec.Desired, key string) (spec.CheckScript, bool) { v, ok := d.CheckScripts[key]; return v, ok },
		validate: func(_ string, v *spec.CheckScript) spec.FieldErrors { return v.Validate() },
		fit:      func(spec.Desired, string, spec.CheckScript) spec.Verdict { return spec.Verdict{} },
		state:    func(s spec.Status, key string) spec.CheckScriptStatus { return s.CheckScripts[key] },
	}
}

func ipvsSettings() kind[spec.IPVSSettings, spec.IPVSSettingsState] {
	return kind[spec.IPVSSettings, spec.IPVSSettingsState]{
		kind: spec.KindIPVSSettings,
		key:  func(string) spec.FieldErrors { return nil }, // there is one
		get: func(d spec.Desired, _ string) (spec.IPVSSettings, bool) {
			if d.IPVSSettings == nil {
				return spec.IPVSSettings{}, false
			}
			return *d.IPVSSettings, true
		},
		validate: func(_ string, v *spec.IPVSSettings) spec.FieldErrors { return v.Validate() },
		fit:      func(d spec.Desired, _ string, v spec.IPVSSettings) spec.Verdict { return d.FitIPVSSettings(v) },
		state:    func(s spec.Status, _ string) spec.IPVSSettingsState { return s.IPVSSettings },
	}
}
