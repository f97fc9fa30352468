package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// registerDrain adds the maintenance of a real server and its end.
func registerDrain(h huma.API, a *api) {
	servers := realServers()
	const path = "/v1/virtual-servers/{name}/real-servers/{server}/drain"
	tags := []string{servers.kind.String() + "s"}
	huma.Register(h, huma.Operation{
		OperationID: "drain-real-server", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusOK,
		Summary: "Give a real server no new connections until that is undone; what it was asked for stays",
	}, func(ctx context.Context, in *ServerPath) (*objectOutput[spec.RealServer, spec.RealServerStatus], error) {
		if err := a.rest(ctx, "drain", in.key(), func(drain spec.Drain, rests bool) (any, error) {
			switch {
			case drain.Removes():
				return nil, newProblem(http.StatusConflict, fmt.Sprintf("real server %q is being removed: put it first to keep it", in.key()), nil)
			case rests:
				return drain, nil
			}
			return spec.Drain{Since: time.Now()}, nil
		}); err != nil {
			return nil, err
		}
		return servers.read(ctx, a, in.key())
	})
	huma.Register(h, huma.Operation{
		OperationID: "end-drain-real-server", Method: http.MethodDelete, Path: path, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Give it connections again",
	}, func(ctx context.Context, in *ServerPath) (*struct{}, error) {
		return nil, a.rest(ctx, "end drain", in.key(), func(drain spec.Drain, _ bool) (any, error) {
			if drain.Removes() {
				return nil, newProblem(http.StatusConflict, fmt.Sprintf("real server %q is being removed: put it to keep it", in.key()), nil)
			}
			return nil, nil
		})
	})
}

// rest stores what becomes of a real server's drain, nil for none, and applies it. what is its word in the audit.
func (a *api) rest(ctx context.Context, what, key string, decide func(drain spec.Drain, rests bool) (any, error)) error {
	var before, after string
	_, err := a.store.Update(func(d spec.Desired) ([]spec.Change, error) {
		parsed, err := spec.ParseServerKey(key)
		drain, draining := d.Drains.Get(parsed)
		if _, exists := d.RealServers.Get(parsed); err != nil || !exists && !draining {
			return nil, newProblem(http.StatusNotFound, fmt.Sprintf("real server %q does not exist on this director", key), nil)
		}
		next, err := decide(drain, draining)
		if err != nil || next == nil && !draining || draining && spec.Equal(drain, next) {
			return nil, err
		}
		if draining {
			before = spec.ETag(drain)
		}
		if next != nil {
			after = spec.ETag(next)
		}
		return []spec.Change{{Kind: spec.KindDrain, Key: key, Value: next}}, nil
	})
	if err != nil {
		return a.refuse(err, fmt.Sprintf("store the drain of real server %q", key))
	}
	if before != after {
		a.audit(ctx, what, spec.KindRealServer, key, before, after)
	}
	return a.refuse(a.apply(ctx, spec.KindRealServer, key), fmt.Sprintf("the drain of real server %q is stored and will be tried again, but could not be applied", key))
}

// drainTimeout reads how long a removal may take; nil is what the server or its service says.
func drainTimeout(text string) (*spec.Duration, error) {
	if text == "" {
		return nil, nil
	}
	var timeout spec.Duration
	err := timeout.UnmarshalText([]byte(text))
	if err == nil {
		if errs := spec.ValidateDrainTimeout(timeout); errs != nil {
			err = errs
		}
	}
	if err != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "drain: "+err.Error(), nil)
	}
	return &timeout, nil
}

// removeServer is the removal of a real server.
func removeServer(d spec.Desired, key string, r request) ([]spec.Change, error) {
	parsed, _ := spec.ParseServerKey(key) // of what is no key there is no server
	server, exists := d.RealServers.Get(parsed)
	if !exists {
		server = spec.DefaultRealServer()
		if drain, _ := d.Drains.Get(parsed); drain.Removes() {
			server = *drain.Server
		}
	}
	if exists && owned(d, parsed.VirtualServer) {
		return nil, newProblem(http.StatusConflict, fmt.Sprintf("the real servers of virtual server %q are one group, which owns all of them: put the group without this one", parsed.VirtualServer), nil)
	}
	service := d.VirtualServers[parsed.VirtualServer]
	timeout := *service.Resolve(server).DrainTimeout
	if r.drain != nil {
		timeout = *r.drain
	}
	return d.RemoveServer(parsed, timeout, time.Now()), nil
}

// removeService is the removal of a virtual server, with its servers if that is asked for.
func removeService(d spec.Desired, key string, r request) ([]spec.Change, error) {
	if r.drain != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "drain: a virtual server goes at once: delete its real servers first, which drain, and then the virtual server", nil)
	}
	if _, exists := d.VirtualServers[key]; !exists {
		return nil, nil
	}
	changes := []spec.Change{{Kind: spec.KindVirtualServer, Key: key}}
	servers, removing := d.ServersOf(key), d.Removing(key)
	if len(servers)+len(removing) > 0 && !r.cascade {
		return nil, stillHas(key, servers, removing)
	}
	if owned(d, key) {
		changes = append(changes, spec.Change{Kind: spec.KindRealServerGroup, Key: key})
	}
	for _, server := range slices.Concat(servers, removing) {
		changes = append(changes, d.RemoveServer(server, 0, time.Time{})...)
	}
	return changes, nil
}

func stillHas(service string, servers, removing []spec.ServerKey) *problem {
	list := func(keys []spec.ServerKey) string {
		const most = 10
		names := make([]string, 0, most+1)
		for _, s := range keys {
			if len(names) == most {
				names = append(names, fmt.Sprintf("and %d more", len(keys)-most))
				break
			}
			names = append(names, s.Address.String())
		}
		return strings.Join(names, ", ")
	}
	if len(servers) == 0 {
		return newProblem(http.StatusConflict, fmt.Sprintf(
			"virtual server %q has real servers whose connections have not ended yet: wait until %s are removed, or add ?cascade=true to cut them", service, list(removing)), nil)
	}
	return newProblem(http.StatusConflict, fmt.Sprintf(
		"virtual server %q has real servers: delete %s first, or add ?cascade=true, which does not wait for their connections", service, list(servers)), nil)
}
