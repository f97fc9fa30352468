package agent

import (
	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// health tells the balancer what the checker found out, in the balancer's words.
type health struct{ checker *check.Checker }

func (h health) Server(key spec.ServerKey) (balance.Verdict, string) {
	verdict, reason := h.checker.Server(key)
	switch verdict {
	case check.Passing:
		return balance.Up, reason
	case check.Failing:
		return balance.Down, reason
	case check.Suspect:
		return balance.Suspect, reason
	}
	return balance.Unknown, reason
}
