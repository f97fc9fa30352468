package spec

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
)

// Servers holds one value for each of some real servers, by virtual server and then by address: what is kept of one
// virtual server is found without a look at the others, and two states that differ in one share what they
// hold of the rest. No virtual server is in it without a real server.
type Servers[V any] map[string]map[netip.AddrPort]V

// CollectServers returns the values of the sequence.
func CollectServers[V any](values iter.Seq2[ServerKey, V]) Servers[V] {
	s := Servers[V]{}
	for key, v := range values {
		s.Put(key, v)
	}
	return s
}

// Get returns a real server's value.
func (s Servers[V]) Get(key ServerKey) (v V, ok bool) {
	v, ok = s[key.VirtualServer][key.Address]
	return v, ok
}

// Put sets a real server's value. The receiver is not nil.
func (s Servers[V]) Put(key ServerKey, v V) {
	if s[key.VirtualServer] == nil {
		s[key.VirtualServer] = map[netip.AddrPort]V{}
	}
	s[key.VirtualServer][key.Address] = v
}

// Delete removes a real server's value, if it is there.
func (s Servers[V]) Delete(key ServerKey) {
	delete(s[key.VirtualServer], key.Address)
	if len(s[key.VirtualServer]) == 0 {
		delete(s, key.VirtualServer)
	}
}

// Count returns how many real servers there are.
func (s Servers[V]) Count() (n int) {
	for _, servers := range s {
		n += len(servers)
	}
	return n
}

// All goes over the values, in no order.
func (s Servers[V]) All() iter.Seq2[ServerKey, V] {
	return func(yield func(ServerKey, V) bool) {
		for name, servers := range s {
			for address, v := range servers {
				if !yield(ServerKey{VirtualServer: name, Address: address}, v) {
					return
				}
			}
		}
	}
}

// Clone returns a copy that may be written to.
func (s Servers[V]) Clone() Servers[V] {
	c := make(Servers[V], len(s))
	for name, servers := range s {
		c[name] = maps.Clone(servers)
	}
	return c
}

// keys returns the real servers in order.
func (s Servers[V]) keys() []ServerKey {
	keys := make([]ServerKey, 0, s.Count())
	for key := range s.All() {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b ServerKey) int {
		return cmp.Or(cmp.Compare(a.VirtualServer, b.VirtualServer), a.Address.Compare(b.Address))
	})
	return keys
}
