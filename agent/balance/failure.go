package balance

import "github.com/lvs-director/terraform-provider-lvs/internal/spec"

// failureAction is what becomes of a server that fails its check.
type failureAction string

const (
	// quiesce gives it weight 0: established connections may finish, no new ones come.
	quiesce failureAction = "quiesce"
	// remove takes it out of the table.
	remove failureAction = "remove"
)

// onFailure returns what becomes of the servers of a service that fail, and why. Weight 0 is the
// gentle way, but does not keep new connections away everywhere.
func onFailure(v spec.VirtualServer) (action failureAction, reason string) {
	switch v.Scheduler {
	case "dh", "sh", "mh":
		// ip_vs_dh.c gives every server its buckets, ip_vs_sh.c and ip_vs_mh.c by its last weight above
		// 0. Without a fallback flag, what hashes to a server whose weight is 0 now is dropped.
		return remove, "scheduler " + v.Scheduler + " goes on sending its share of clients to a server of weight 0, which drops them"
	}
	if v.Protocol == spec.UDP {
		// A flow is a connection to IPVS until it pauses, and stays with its server whatever the weight.
		return remove, "UDP flows stay with a server of weight 0 for as long as they do not pause"
	}
	return quiesce, "a server of weight 0 gets no new connections and may finish its own"
}
