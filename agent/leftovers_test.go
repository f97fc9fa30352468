package agent

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

func TestLeftoversAreNotTouchedWhileAnAgentHoldsItsState(t *testing.T) {
	t.Parallel()
	c := memoryConfig(t)
	c.Dataplane, c.StateDir = config.DataplaneKernel, t.TempDir()
	held, err := store.Open(filepath.Join(c.StateDir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLeftovers(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is an lvs-agent running already?") {
		t.Errorf("error %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	c.Dataplane = config.DataplaneMemory
	if _, err := OpenLeftovers(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "leaves nothing behind") {
		t.Errorf("error %v", err)
	}
}
