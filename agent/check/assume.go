package check

import "context"

// Assume is a Prober that touches nothing and finds everything well: for an agent that is tried out, on
// a machine that must not send a packet.
type Assume struct{}

// Server implements Prober.
func (Assume) Server(context.Context, ServerCheck) error { return nil }

// Script implements Prober.
func (Assume) Script(context.Context, []string) error { return nil }
