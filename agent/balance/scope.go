package balance

import (
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

// with returns what is in either scope.
func (s scope) with(other scope) scope {
	both := scope{all: s.all || other.all, named: make(map[string]bool, len(s.named)+len(other.named))}
	maps.Copy(both.named, s.named)
	maps.Copy(both.named, other.named)
	return both
}

// of returns the part of what is desired that the scope is about.
func (s scope) of(d spec.Desired) spec.Desired {
	if s.all {
		return d
	}
	return d.Of(slices.Collect(maps.Keys(s.named))...)
}
