package balance

import (
	"iter"
	"maps"
	"slices"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// scope is virtual servers, whether they are desired or not: those of these names, or all.
type scope struct {
	all   bool
	named map[string]bool
}

// named returns the scope of these virtual servers.
func named(names ...string) scope {
	s := scope{named: make(map[string]bool, len(names))}
	for _, name := range names {
		s.named[name] = true
	}
	return s
}

func (s scope) has(name string) bool { return s.all || s.named[name] }

// names returns the names of a scope that is not all, in order.
func (s scope) names() []string { return slices.Sorted(maps.Keys(s.named)) }

// add widens the scope by another one.
func (s *scope) add(other scope) {
	if s.all || other.all {
		*s = scope{all: true}
		return
	}
	if s.named == nil {
		s.named = make(map[string]bool, len(other.named))
	}
	maps.Copy(s.named, other.named)
}

// of returns the part of what is desired that the scope is about.
func (s scope) of(d spec.Desired) spec.Desired {
	if s.all {
		return d
	}
	return d.Of(s.names()...)
}

// within goes over what is kept of the virtual servers in a scope, by name, in no order. What it goes over may be
// deleted meanwhile.
func within[M ~map[string]V, V any](s scope, m M) iter.Seq2[string, V] {
	if s.all {
		return maps.All(m)
	}
	return func(yield func(string, V) bool) {
		for name := range s.named {
			if v, ok := m[name]; ok && !yield(name, v) {
				return
			}
		}
	}
}
