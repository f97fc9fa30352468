package main

import (
	"fmt"
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// boundMemory has Go collect garbage in time where the control group that the agent is in allows it a certain memory:
// without, it would be ended while it still had some to give back. Whoever sets GOMEMLIMIT has decided himself.
func boundMemory(log *slog.Logger) error {
	limit, err := memlimit.Set()
	if err != nil {
		return fmt.Errorf("find out how much memory there may be: %w", err)
	}
	log.Debug("memory is bounded", "bytes", limit)
	return nil
}
