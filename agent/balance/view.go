package balance

import (
	"maps"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// view is what was last seen and wanted of the kernel's table, or the part of it that is about some virtual
// servers. A pass takes a part, decides and writes, and puts it back: what is about others costs nothing. What
// is held of one service is never written to, only replaced.
type view struct {
	version string // empty while the table could not be read
	reason  string // why the last reading failed, or empty
	table   ipvs.Table
	stats   ipvs.Stats
	at      time.Time // when the whole table was read

	want ipvs.Table
	// names are the virtual servers whose services those of want are, and keys the services of the virtual servers.
	names      map[ipvs.ServiceKey]string
	keys       map[string]ipvs.ServiceKey
	remembered memories
	// degraded says of virtual servers, by name, why they could not be made what is wanted.
	degraded map[string]string

	// about is what a part is about, and services are those that its virtual servers have, and had before. Of
	// a view that is not a part both are empty.
	about    scope
	services []ipvs.ServiceKey
}

// part returns the part of the view that is about these virtual servers, which are to be as desired. That about all
// is a copy.
func (v *view) part(about scope, desired spec.Desired) view {
	if about.all {
		return v.clone()
	}
	p := view{version: v.version, reason: v.reason, at: v.at, degraded: v.degraded, about: about}
	names := about.names()
	for _, name := range names {
		// The service may have become another virtual server's since.
		if key, known := v.keys[name]; known && v.names[key] == name {
			p.services = append(p.services, key)
		}
		if wanted, ok := desired.VirtualServers[name]; ok {
			p.services = append(p.services, serviceKey(wanted))
		}
	}
	slices.SortFunc(p.services, ipvs.ServiceKey.Compare)
	p.services = slices.Compact(p.services)
	p.table, p.stats, p.want, p.names = pick(v.table, p.services), pick(v.stats, p.services), pick(v.want, p.services), pick(v.names, p.services)
	p.keys, p.remembered = pick(v.keys, names), v.remembered.part(names)
	return p
}

// put puts a part back into the view that it was taken from. A view that is no part takes its place.
func (v *view) put(p view) {
	if !p.isPart() {
		*v = p
		return
	}
	v.version, v.reason, v.degraded = p.version, p.reason, p.degraded
	replace(v.table, p.table, p.services)
	replace(v.stats, p.stats, p.services)
	replace(v.want, p.want, p.services)
	replace(v.names, p.names, p.services)
	names := p.about.names()
	replace(v.keys, p.keys, names)
	v.remembered.put(p.remembered, names)
}

func (v *view) isPart() bool { return v.about.named != nil }

// of returns what a table holds of the services that the view is about.
func (v *view) of(table ipvs.Table) ipvs.Table {
	if v.isPart() {
		return pick(table, v.services)
	}
	return table
}

// clone returns a copy that no pass writes to.
func (v *view) clone() view {
	c := *v
	c.table, c.stats, c.want, c.names, c.keys = maps.Clone(v.table), maps.Clone(v.stats), maps.Clone(v.want), maps.Clone(v.names), maps.Clone(v.keys)
	c.remembered = v.remembered.clone()
	return c
}

// failed notes that the table could not be read.
func (v *view) failed(err error) {
	v.version, v.reason, v.at = "", err.Error(), time.Now()
	v.table, v.stats = nil, nil
}

// patched returns the view with these services as they were read just now.
func (v view) patched(services []ipvs.ServiceKey, table ipvs.Table, stats ipvs.Stats) view {
	v.table, v.stats = maps.Clone(v.table), maps.Clone(v.stats)
	replace(v.table, table, services)
	replace(v.stats, stats, services)
	return v
}

// decided returns the view in which that is wanted of the virtual servers that it is about, which are those desired.
func (v view) decided(desired spec.Desired, remembered memories) view {
	v.want, v.remembered = Compute(desired, remembered), remembered
	v.names = make(map[ipvs.ServiceKey]string, len(desired.VirtualServers))
	v.keys = make(map[string]ipvs.ServiceKey, len(desired.VirtualServers))
	for name, wanted := range desired.VirtualServers {
		key := serviceKey(wanted)
		v.names[key], v.keys[name] = name, key
	}
	return v
}

func (v *view) drift() []spec.Drift {
	if v.version == "" {
		return []spec.Drift{}
	}
	return differences(v.table, v.want, v.names)
}

// foreign returns the services of the table that are not wanted, in order. Ours do not stay in it for long.
func (v *view) foreign() []string {
	var foreign []string
	for _, key := range v.table.Keys() {
		if _, wanted := v.want[key]; !wanted {
			foreign = append(foreign, key.String())
		}
	}
	return foreign
}

// replace makes what a map holds under these keys what another one does.
func replace[M ~map[K]V, K comparable, V any](m, by M, keys []K) {
	for _, key := range keys {
		if v, ok := by[key]; ok {
			m[key] = v
		} else {
			delete(m, key)
		}
	}
}

// pick returns what a map holds under these keys.
func pick[M ~map[K]V, K comparable, V any](m M, keys []K) M {
	part := make(M, len(keys))
	replace(part, m, keys)
	return part
}
