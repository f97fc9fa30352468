package provider

import (
	"context"
	"net/http"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// kind is what differs between the kinds of object on the side of the directors.
type kind[Spec, State any] struct {
	kind spec.Kind
	// resource is the name of the Terraform resource, title how a summary calls it.
	resource, title string
	identity        identity
	collection      func(*client.Client) client.Collection[Spec, State]
	find            func(*spec.Snapshot, string) (Spec, bool)
	// keys returns those of all objects of the kind.
	keys func(*spec.Snapshot) []string
	// carries reports whether the object's traffic goes through the director now. It is nil where a change
	// may go to all directors at the same time.
	carries func(s *spec.Snapshot, key string) bool
	// election is nil where directors do not elect one of them.
	election *election[Spec, State]
	// judge tells how an object would fit the others of a director, where its machine has nothing to say about it and
	// the director need not be asked; nil elsewhere.
	judge func(s *spec.Snapshot, key string, v Spec, o client.PutOptions) spec.Verdict
	// remark says what else there is to know of an object on a director, which a plan has nothing to do about; ""
	// is nothing, and the function is nil where there never is anything.
	remark func(s *spec.Snapshot, key string) string
	// rival is the name of the Terraform resource of which an object may take the place; "" where there is none.
	rival string
	// takeOver is how an update says that the object is what owns it now.
	takeOver client.PutOptions
	// drains says that an object that was removed may be there until its connections have ended.
	drains bool
}

// observation is what a director has of one object.
type observation[Spec any] struct {
	spec   Spec
	exists bool
	// kernel lists how the director's kernel differs from what the director was asked for.
	kernel []spec.Drift
	// remark is what else there is to know.
	remark string
}

// look finds an object in the director's snapshot, or what this provider instance has written since.
func (k kind[Spec, State]) look(ctx context.Context, d *director, key string) (observation[Spec], error) {
	if value, ok := d.remembered(objectID{k.kind, key}); ok {
		v, exists := value.(Spec)
		return observation[Spec]{spec: v, exists: exists}, nil
	}
	snapshot, err := d.snapshot(ctx)
	if err != nil {
		return observation[Spec]{}, err
	}
	v, exists := k.find(snapshot, key)
	if !exists && k.drains {
		return k.lookLeaving(ctx, d, key)
	}
	seen := observation[Spec]{spec: v, exists: exists, kernel: kernelDrift(snapshot, k.kind, key)}
	if k.remark != nil {
		seen.remark = k.remark(snapshot, key)
	}
	return seen, nil
}

// rehearse reports what a director would say to an object, as an error or as warnings. References that do not
// resolve are none: the same apply may make what they are to.
func (k kind[Spec, State]) rehearse(ctx context.Context, d *director, key string, v Spec, o client.PutOptions) (warnings spec.FieldErrors, err error) {
	// One that keeps everybody waiting is waited for once, not for each object.
	if _, err := d.snapshot(ctx); err != nil {
		return nil, err
	}
	if k.judge == nil {
		o.DryRun = true
		object, err := k.collection(d.client).Put(ctx, key, v, o)
		if err != nil {
			return nil, err
		}
		return object.Warnings, nil
	}
	s, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	if conflicts := k.judge(s, key, v, o).Conflicts; conflicts != nil {
		return nil, refused(d.name, http.StatusConflict, conflicts)
	}
	return nil, nil
}

// put writes an object and returns it as the director has it then.
func (k kind[Spec, State]) put(ctx context.Context, d *director, key string, v Spec, o client.PutOptions) (Spec, error) {
	object, err := k.collection(d.client).Put(ctx, key, v, o)
	if err != nil {
		return v, err
	}
	d.remember(objectID{k.kind, key}, object.Spec)
	return object.Spec, nil
}

// remove deletes an object; that it is not there is success.
func (k kind[Spec, State]) remove(ctx context.Context, d *director, key string, o client.DeleteOptions) error {
	if err := k.collection(d.client).Delete(ctx, key, o); err != nil {
		return err
	}
	d.remember(objectID{k.kind, key}, nil)
	return nil
}

// kernelDrift returns the drift of one object. A destination in the kernel that nobody asked for
// belongs to no real server: it is drift of its virtual server.
func kernelDrift(s *spec.Snapshot, k spec.Kind, key string) []spec.Drift {
	var found []spec.Drift
	switch k {
	case spec.KindRealServerGroup:
		found = unowned(s, key)
	case spec.KindRealServer:
		found = grouped(s, key)
	}
	for _, d := range s.Drift {
		of, name := d.Kind, d.Name
		if d.Kind == spec.KindRealServer {
			if _, known := s.VirtualServers[d.Name].RealServers[d.Server]; known {
				name = d.Name + "/" + d.Server
				if k == spec.KindRealServerGroup {
					of, name, d.Field = k, d.Name, d.Server+" "+d.Field
				}
			} else {
				of, d.Field = spec.KindVirtualServer, "real_server "+d.Server+" "+d.Field
			}
		}
		if of == k && name == key {
			found = append(found, d)
		}
	}
	return found
}
