package httpapi

import (
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxGroup bounds the body that puts a group: ten thousand servers are about 1 MB.
const maxGroup = 32 << 20

// realServerGroups are all real servers of a virtual server at once. Servers that were put one by one are found
// as a group, too, so that who creates one does not take them over unawares.
func realServerGroups() kind[spec.RealServerGroup, spec.RealServerGroupStatus] {
	return kind[spec.RealServerGroup, spec.RealServerGroupStatus]{
		kind: spec.KindRealServerGroup,
		key:  spec.ValidateName,
		get: func(d spec.Desired, key string) (spec.RealServerGroup, bool) {
			group, owned := d.Group(key)
			return group, owned || len(group.Servers) > 0
		},
		whole:    owned,
		maxBody:  maxGroup,
		validate: func(_ string, v *spec.RealServerGroup) spec.FieldErrors { return v.Validate() },
		fit:      spec.Desired.FitRealServerGroup,
		state: func(s spec.Status, key string) spec.RealServerGroupStatus {
			return spec.RealServerGroupStatus{RealServers: s.VirtualServers[key].RealServers}
		},
		came: func(d spec.Desired, key string, v spec.RealServerGroup) []spec.Change {
			return d.PutGroup(key, v, time.Now())
		},
		gone: func(d spec.Desired, key string, r request) ([]spec.Change, error) {
			return d.RemoveGroup(key, r.drain, time.Now()), nil
		},
		leaving: func(d spec.Desired, key string) (spec.RealServerGroup, bool) {
			return spec.RealServerGroup{Servers: map[string]spec.RealServer{}}, len(d.Removing(key)) > 0
		},
	}
}
