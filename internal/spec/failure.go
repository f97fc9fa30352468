package spec

import "fmt"

// FailureAction is what becomes of a real server that fails its check.
type FailureAction string

// The failure actions.
const (
	// Quiesce gives the server weight 0: established connections may finish, no new ones come.
	Quiesce FailureAction = "quiesce"
	// Remove takes it out of the table.
	Remove FailureAction = "remove"
)

// FailureActions lists every FailureAction.
func FailureActions() []string { return []string{string(Remove), string(Quiesce)} }

// InitialState is what a real server counts as until its first verdict.
type InitialState string

// The initial states: out of the table until it passes, or in until it fails.
const (
	InitialDown InitialState = "down"
	InitialUp   InitialState = "up"
)

// InitialStates lists every InitialState.
func InitialStates() []string { return []string{string(InitialDown), string(InitialUp)} }

// drawsAtWeight0 says why a server of weight 0 would go on getting new connections of this service, which it
// then drops, or "" when it gets none.
func (v *VirtualServer) drawsAtWeight0() string {
	switch {
	case v.Fallback():
	case v.Scheduler == "dh", v.Scheduler == "sh", v.Scheduler == "mh":
		// ip_vs_dh.c gives every server its buckets, ip_vs_sh.c and ip_vs_mh.c by its last weight above
		// 0. Without a fallback flag, what hashes to a server whose weight is 0 now is dropped.
		return fmt.Sprintf("scheduler %s goes on sending its share of clients to a server of weight 0, which drops them", v.Scheduler)
	}
	return ""
}

// CanRest reports whether a server can rest at weight 0, and its connections end by themselves. With sh and
// mh it takes their fallback flag, which the service is lent for as long; dh has none.
func (v *VirtualServer) CanRest() bool { return v.Scheduler != "dh" }

// cannotQuiesce says why weight 0 does not keep clients away from a server that fails, or "" when it does.
func (v *VirtualServer) cannotQuiesce() string {
	if why := v.drawsAtWeight0(); why != "" {
		return why
	}
	if v.Protocol == UDP {
		// A flow is a connection to IPVS until it pauses, and stays with its server whatever the weight.
		return "UDP flows stay with a server of weight 0 for as long as they do not pause"
	}
	return ""
}

// FailureAction returns what becomes of a real server of the service that fails, and why.
func (v *VirtualServer) FailureAction(server RealServer) (action FailureAction, reason string) {
	why := v.cannotQuiesce()
	if why == "" && v.Persistence != nil && v.Resolve(server).OnFailure == "" {
		// Not refused where it is asked for: with net.ipv4.vs.expire_quiescent_template it works.
		return Remove, "persistence goes on sending the clients of a server of weight 0 to it"
	}
	switch asked := v.Resolve(server).OnFailure; {
	case asked == Remove && why == "":
		return Remove, "on_failure asks for it"
	case asked == Remove, why != "":
		return Remove, why
	}
	return Quiesce, "a server of weight 0 gets no new connections and may finish its own"
}

// admitFailure reports an action that would not do what it is for.
func (v *VirtualServer) admitFailure(action FailureAction) FieldErrors {
	var errs FieldErrors
	if action == "" {
		return nil
	}
	errs.oneOf("/on_failure", string(action), FailureActions())
	if why := v.cannotQuiesce(); action == Quiesce && why != "" {
		errs.add("/on_failure", "%q would not keep clients away: %s: use %q, or leave it out", Quiesce, why, Remove)
	}
	return errs
}

// Resolve returns a real server with what it leaves to its service filled in. OnFailure may still be empty:
// FailureAction tells what that comes to.
func (v *VirtualServer) Resolve(server RealServer) RealServer {
	if server.HealthCheck == nil {
		server.HealthCheck = v.HealthCheck
	}
	if server.InitialState == "" {
		server.InitialState = v.InitialState
	}
	if server.OnFailure == "" {
		server.OnFailure = v.OnFailure
	}
	if server.SlowStart == nil {
		server.SlowStart = &v.SlowStart
	}
	if server.DrainTimeout == nil {
		server.DrainTimeout = &v.DrainTimeout
	}
	return server
}
