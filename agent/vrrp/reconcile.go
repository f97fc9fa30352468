package vrrp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// input is all that the thread is told about an instance.
type input struct {
	params    Parameters
	addresses []netip.Prefix
	// places are where they and the excluded ones belong.
	places    []placed
	routes    []spec.VirtualRoute
	garp      spec.GARP
	transport transport
	port      *port
	// virtual is the port of the virtual MAC, or nil.
	virtual *port
	// virtualName is that of the virtual link that carries some of the addresses, or "".
	virtualName string
	// hardware is the interface's hardware address, or "" while it is not known.
	hardware string
	// reason is why the instance may not take part; "" when it may.
	reason string
	// hold is what the instance waits for before it becomes active; "" when it does not.
	hold string
	// group is the sync group, or "", and members the number of those that are in it.
	group   string
	members int
}

func (in *input) equal(other *input) bool {
	return other != nil && in.params == other.params && in.port == other.port && in.virtual == other.virtual && in.reason == other.reason && in.hold == other.hold &&
		in.group == other.group && in.hardware == other.hardware && in.members == other.members && in.garp == other.garp &&
		in.virtualName == other.virtualName && slices.Equal(in.places, other.places) && slices.Equal(in.routes, other.routes) &&
		slices.Equal(in.addresses, other.addresses) && in.transport.equal(&other.transport)
}

// facts is what was found out about an interface in one pass.
type facts struct {
	port    *port
	primary netip.Addr
	// hardware is the hardware address, or "" while it is not known.
	hardware string
	err      error
}

// reconcile tells the thread what differs from what it was told before. It is called with mu held.
func (e *Engine) reconcile() {
	if e.loop == nil || e.suspended {
		return
	}
	l := e.loop
	refusal := e.refuse()
	interfaces := map[attachment]facts{}
	users := map[attachment]map[int]string{} // interface and family -> VRID -> instance
	inputs := map[string]*input{}
	names := slices.Sorted(maps.Keys(e.entries))
	for _, name := range names {
		en := e.entries[name]
		on := en.attachment()
		f, looked := interfaces[on]
		if !looked {
			f = e.inspect(on)
			interfaces[on] = f
			users[on] = map[int]string{}
		}
		in := e.inputFor(en, f)
		if refusal != nil && in.reason == "" && en.refuses() {
			in.reason = refusal.Error()
		}
		if in.hold == "" {
			in.hold = e.heldOnRequest(name)
			in.params.Hold = in.hold != ""
		}
		if other, taken := users[on][en.spec.VirtualRouterID]; taken {
			in.port, in.virtual = nil, nil // the other one's adverts are none of ours
			in.reason = fmt.Sprintf("virtual_router_id %d is used by VRRP instance %q on %s", en.spec.VirtualRouterID, other, en.spec.Interface)
		} else {
			users[on][en.spec.VirtualRouterID] = name
		}
		inputs[name] = &in
	}
	e.forgetVerdicts()
	together(inputs)
	if e.awaiting {
		e.prepared = inputs
		l.flush()
		return
	}
	for _, name := range names {
		e.tell(name, inputs[name])
	}
	l.flush()
	e.closeUnused()
}

// refuses reports whether packets to the instance's addresses are not for this machine (RFC 9568 §6.1). An
// owner's always are.
func (en *entry) refuses() bool {
	return !en.spec.AcceptMode && en.spec.Priority != priorityOwner
}

// refuse keeps packets to the addresses of instances that refuse them away, in whatever state those are.
func (e *Engine) refuse() error {
	var addresses []netip.Addr
	for _, name := range slices.Sorted(maps.Keys(e.entries)) {
		if en := e.entries[name]; en.refuses() {
			addresses = append(addresses, addrs(prefixesOf(placesOf(en.spec)))...)
		}
	}
	return e.Acceptance.Refuse(addresses)
}

// tell tells the thread what an instance should do, if that is something else than before.
func (e *Engine) tell(name string, in *input) {
	l, en := e.loop, e.entries[name]
	if en.router == nil {
		en.router = e.newRouter(name, en)
		en.router.resume(monotonic())
		e.holder.add(en.router)
		r := en.router
		l.post(func() { l.routers = append(l.routers, r) })
	}
	if !in.equal(en.told) {
		en.told = in
		r := en.router
		l.post(func() { r.apply(l, monotonic(), *in) })
	}
}

func (e *Engine) newRouter(name string, en *entry) *router {
	r := newRouter(name, en.spec, e.Log, e.failed, e.Traces.of(fmt.Sprintf("%s %s %d", name, en.spec.Interface, en.spec.VirtualRouterID)))
	r.published = e.Publish
	return r
}

// attachment is where the instance speaks.
func (en *entry) attachment() attachment { return attachment{en.spec.Interface, en.spec.Family()} }

// virtualAttachment is where it speaks with a virtual MAC, if it has one.
func (en *entry) virtualAttachment() attachment {
	return attachment{virtualName(en.spec), en.spec.Family()}
}

// inputFor works out what an instance should do, given its interface.
func (e *Engine) inputFor(en *entry, f facts) input {
	in := input{
		params: Parameters{
			Version:  uint8(en.spec.Version),
			Primary:  f.primary,
			Interval: en.spec.AdvertisementInterval.Std(),
			Preempt:  en.spec.Preempt,

			PreemptDelay: en.spec.PreemptDelay.Std(),
		},
		addresses:   en.spec.VirtualAddresses,
		places:      placesOf(en.spec),
		virtualName: virtualName(en.spec),
		routes:      en.spec.Routes(),
		garp:        en.spec.GARP,
		transport:   transportOf(en.spec),
		port:        f.port,
		hardware:    f.hardware,
		group:       en.spec.SyncGroup,
	}
	if f.err == nil && en.spec.Unicasts() {
		in.params.Primary = en.spec.UnicastSource
		f.err = e.Interfaces.Owns(en.spec.Interface, en.spec.UnicastSource)
	}
	if f.err != nil && en.told != nil {
		in.params.Primary = en.told.params.Primary // to say goodbye with, should there be a way
	}
	trackers := e.trackers(en)
	in.hold = e.hold(en)
	in.params.Hold = in.hold != ""
	in.params.Priority = EffectivePriority(en.spec.Priority, trackers)
	in.reason = e.faultOf(en, f, trackers)
	if f.err != nil {
		in.virtual = e.ports[en.virtualAttachment()] // to say goodbye with
		return in
	}
	var err error
	if in.virtual, err = e.provide(en, f); err != nil && in.reason == "" {
		in.reason = err.Error()
	}
	return in
}

// faultOf says why an instance may not take part, or "".
func (e *Engine) faultOf(en *entry, f facts, trackers []Tracker) string {
	if f.err != nil {
		return f.err.Error()
	}
	if en.claimErr != nil {
		en.claimErr = e.claimFor(en.spec)
	}
	if en.claimErr != nil {
		return en.claimErr.Error()
	}
	if en.router != nil {
		if bad := en.router.failure.Load(); bad != nil && time.Now().Before(bad.until) {
			return bad.err.Error()
		}
	}
	for _, t := range trackers {
		if t.failed() {
			return t.Reason
		}
	}
	return ""
}

// failed holds a router back that could not put its addresses on an interface which is well. One that is
// not is a fault anyway, and over as soon as the interface is well again.
func (e *Engine) failed(r *router, err error) {
	if _, _, trouble := e.Interfaces.Source(r.iface, r.family); trouble == nil {
		r.failure.Store(&failure{err: err, until: time.Now().Add(failureHold)})
	}
	e.Trigger()
}

// inspect looks at an interface and sees to a port on it. An interface that was replaced by another one
// of its name gets a new port; one that is merely down keeps its own.
func (e *Engine) inspect(on attachment) facts {
	index, primary, err := e.Interfaces.Source(on.iface, on.family)
	p := e.ports[on]
	if err != nil {
		return facts{port: p, err: err}
	}
	f := facts{port: p, primary: primary, hardware: e.Interfaces.HardwareAddress(on.iface)}
	if p != nil && p.index == index {
		return f
	}
	conn, err := e.Network.Open(on.iface, index, on.family)
	if err != nil {
		return facts{err: err}
	}
	f.port = e.addPort(on, index, conn)
	return f
}

// addPort puts a port in the place of the one that is there.
func (e *Engine) addPort(on attachment, index int, conn Conn) *port {
	if old := e.ports[on]; old != nil {
		e.closePort(old)
	}
	p := newPort(on, index, conn, e.Log)
	e.ports[on] = p
	l := e.loop
	l.post(func() { l.ports = append(l.ports, p) })
	e.ear.attend(p)
	return p
}

// provide sees to an instance's virtual link, and to a port there. Unicast needs none: those adverts go from
// machine to machine, and bridges learn the virtual MAC from announcements.
func (e *Engine) provide(en *entry, f facts) (*port, error) {
	l, has := en.spec.VirtualLink()
	if !has {
		return nil, nil
	}
	var addresses []netip.Prefix
	for _, place := range placesOf(en.spec) {
		if place.iface == l.Name {
			addresses = append(addresses, place.prefix)
		}
	}
	index, err := e.VirtualLinks.Provide(l, addresses)
	if err != nil || en.spec.Unicasts() {
		return nil, err
	}
	on := en.virtualAttachment()
	if p := e.ports[on]; p != nil && p.index == index {
		return p, nil
	}
	conn, err := e.Network.OpenVirtual(l, f.port.index, index, on.family, f.port.conn)
	if err != nil {
		return nil, err
	}
	return e.addPort(on, index, conn), nil
}

// closeUnused closes the ports that no instance is on any more.
func (e *Engine) closeUnused() {
	used := map[attachment]bool{}
	for _, en := range e.entries {
		used[en.attachment()] = true
		used[en.virtualAttachment()] = !en.spec.Unicasts()
	}
	for on, p := range e.ports {
		if !used[on] {
			e.closePort(p)
			delete(e.ports, on)
		}
	}
}

// closePort takes a port from the thread and closes it here, because that takes its time.
func (e *Engine) closePort(p *port) {
	l := e.loop
	l.post(func() { l.detach(p) })
	l.flush()
	e.ear.ignore(p)
	if err := p.conn.Close(); err != nil {
		e.Log.Warn("unable to close the VRRP socket", "interface", p.iface, "error", err)
	}
}

// remove forgets a router. On the thread.
func (l *loop) remove(r *router) {
	r.move(r.port, nil, nil, Parameters{})
	r.move(r.virtual, nil, nil, Parameters{})
	l.groups.move(r, "")
	l.routers = slices.DeleteFunc(l.routers, func(o *router) bool { return o == r })
	l.setRest()
}

// detach forgets a port. Its routers have none until they are given another. On the thread.
func (l *loop) detach(p *port) {
	l.ports = slices.DeleteFunc(l.ports, func(o *port) bool { return o == p })
	for _, r := range p.routers {
		if r.virtual == p {
			r.virtual = nil
		} else {
			r.port = nil
		}
	}
}
