package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Collection is all objects of one kind on a director. The key of an object is its name, of a real
// server its import id, web/192.0.2.21:80.
type Collection[Spec, State any] struct {
	client *Client
	kind   spec.Kind
	path   func(key string) []string
}

// VRRPInstances returns the director's VRRP instances.
func (c *Client) VRRPInstances() Collection[spec.VRRPInstance, spec.VRRPInstanceStatus] {
	return Collection[spec.VRRPInstance, spec.VRRPInstanceStatus]{c, spec.KindVRRPInstance, byName("vrrp-instances")}
}

// VirtualServers returns the director's virtual servers.
func (c *Client) VirtualServers() Collection[spec.VirtualServer, spec.VirtualServerStatus] {
	return Collection[spec.VirtualServer, spec.VirtualServerStatus]{c, spec.KindVirtualServer, byName("virtual-servers")}
}

// RealServers returns the real servers of all of the director's virtual servers.
func (c *Client) RealServers() Collection[spec.RealServer, spec.RealServerStatus] {
	return Collection[spec.RealServer, spec.RealServerStatus]{c, spec.KindRealServer, byService}
}

// RealServerGroups returns the real servers of each of the director's virtual servers, by its name.
func (c *Client) RealServerGroups() Collection[spec.RealServerGroup, spec.RealServerGroupStatus] {
	ofService := func(key string) []string { return append(byName("virtual-servers")(key), "real-servers") }
	return Collection[spec.RealServerGroup, spec.RealServerGroupStatus]{c, spec.KindRealServerGroup, ofService}
}

// CheckScripts returns the director's check scripts.
func (c *Client) CheckScripts() Collection[spec.CheckScript, spec.CheckScriptStatus] {
	return Collection[spec.CheckScript, spec.CheckScriptStatus]{c, spec.KindCheckScript, byName("check-scripts")}
}

// IPVSSettings returns the director's settings of IPVS, whose only key is spec.IPVSSettingsKey.
func (c *Client) IPVSSettings() Collection[spec.IPVSSettings, spec.IPVSSettingsState] {
	only := func(string) []string { return []string{"v1", "ipvs-settings"} }
	return Collection[spec.IPVSSettings, spec.IPVSSettingsState]{c, spec.KindIPVSSettings, only}
}

func byName(plural string) func(string) []string {
	return func(key string) []string { return []string{"v1", plural, url.PathEscape(key)} }
}

func byService(key string) []string {
	service, server, _ := strings.Cut(key, "/")
	return []string{"v1", "virtual-servers", url.PathEscape(service), "real-servers", url.PathEscape(server)}
}

// PutOptions are the conditions of a Put.
type PutOptions struct {
	// DryRun asks what would happen: nothing is changed, and the answer lists references that do not
	// resolve yet.
	DryRun bool
	// CreateOnly makes an object that exists an error of status 412.
	CreateOnly bool
	// IdempotencyKey lets the repetition of a create that succeeded succeed, too.
	IdempotencyKey string
	// Hold keeps a VRRP instance from taking a role for that long, or until a Put without it;
	// IsStatus(err, 409) when it is active.
	Hold time.Duration
	// Ungroup takes a real server out of the hands of the group that owns it: that is none any more, and its servers
	// stay as they are, each by itself.
	Ungroup bool
}

// DeleteOptions are the conditions of a Delete.
type DeleteOptions struct {
	// IfMatch is the ETag of the spec that is to be deleted; another one is an error of status 412.
	IfMatch string
	// Cascade deletes the real servers of a virtual server with it.
	Cascade bool
	// Drain is how long the connections of a real server are waited for; nil is what its spec says, and 0 cuts
	// them.
	Drain *time.Duration
}

// Get reads an object; IsStatus(err, 404) when there is none.
func (c Collection[Spec, State]) Get(ctx context.Context, key string) (*spec.Object[Spec, State], error) {
	return c.object(ctx, c.op("read", key), request{method: http.MethodGet, path: c.path(key)})
}

// Put creates or changes an object and returns it as the director has it then.
func (c Collection[Spec, State]) Put(ctx context.Context, key string, v Spec, o PutOptions) (*spec.Object[Spec, State], error) {
	body, err := spec.EncodeWithSecrets(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", c.kind, key, err)
	}
	r := request{method: http.MethodPut, path: c.path(key), query: url.Values{}, header: http.Header{}, body: body}
	op := "put"
	if o.DryRun {
		op = "check"
		r.query.Set("dry_run", "true")
	}
	if o.CreateOnly {
		r.header.Set("If-None-Match", "*")
	}
	if o.Hold > 0 {
		r.query.Set("hold", o.Hold.String())
	}
	if o.Ungroup {
		r.query.Set("ungroup", "true")
	}
	if o.IdempotencyKey != "" {
		r.header.Set("Idempotency-Key", o.IdempotencyKey)
	}
	return c.object(ctx, c.op(op, key), r)
}

// Delete removes an object. That it is not there is success. A real server that has connections goes when they
// have ended: until then Get finds it.
func (c Collection[Spec, State]) Delete(ctx context.Context, key string, o DeleteOptions) error {
	r := request{method: http.MethodDelete, path: c.path(key), query: url.Values{}, header: http.Header{}}
	if o.Cascade {
		r.query.Set("cascade", "true")
	}
	if o.Drain != nil {
		r.query.Set("drain", o.Drain.String())
	}
	if o.IfMatch != "" {
		r.header.Set("If-Match", o.IfMatch)
	}
	return c.client.call(ctx, c.op("delete", key), r, nil)
}

func (c Collection[Spec, State]) object(ctx context.Context, op string, r request) (*spec.Object[Spec, State], error) {
	var object spec.Object[Spec, State]
	if err := c.client.call(ctx, op, r, &object); err != nil {
		return nil, err
	}
	if object.ETag == "" {
		return nil, c.client.stranger(op, http.StatusOK, errors.New("no etag"))
	}
	return &object, nil
}

func (c Collection[Spec, State]) op(verb, key string) string {
	return fmt.Sprintf("%s %s %s", verb, c.kind, key)
}
