package check

import (
	"context"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Assume is a Prober that touches nothing and finds everything well: for an agent that is tried out, on
// a machine that must not send a packet.
type Assume struct{}

// Server implements Prober.
func (Assume) Server(context.Context, ServerCheck) error { return nil }

// Script implements Prober.
func (Assume) Script(context.Context, spec.CheckScript) error { return nil }
