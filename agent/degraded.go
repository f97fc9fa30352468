package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
)

// ErrRestored ends an agent that had no state to work by, when there is one again: it is to be made anew.
var ErrRestored = errors.New("the state was restored")

// lookForState is how often a degraded agent looks whether its state was restored.
const lookForState = time.Second

// openState opens the state. A damaged file is set aside, and the agent is degraded: it answers, and touches nothing.
// What is in the kernel stays there and works on; what is wanted is not known, and an empty state is not it.
func (a *Agent) openState() (err error) {
	if a.config.Dataplane == config.DataplaneMemory {
		a.store = store.InMemory()
		return nil
	}
	a.store, err = store.Open(statePath(a.config))
	if err == nil {
		for _, warning := range a.store.Warnings() {
			a.log.Error("the state's file was not as an agent leaves it", "reason", warning)
		}
		return nil
	}
	damaged, ok := errors.AsType[*store.DamagedError](err)
	if !ok {
		return err
	}
	if err := damaged.SetAside(); err != nil {
		return err
	}
	a.log.Error("the director is degraded: it leaves the kernel as it is, takes part in no election and accepts no change", "error", damaged)
	a.store = store.Unusable(damaged)
	return nil
}

func statePath(c config.Config) string { return filepath.Join(c.StateDir, stateFile) }

// runDegraded answers requests until the context ends or the state is restored, which is ErrRestored.
func (a *Agent) runDegraded(ctx context.Context) error {
	api, serving := errgroup.WithContext(ctx)
	for _, s := range a.servers {
		api.Go(func() error { return s.Run(serving) })
	}
	api.Go(func() error {
		look := time.NewTicker(lookForState)
		defer look.Stop()
		for {
			select {
			case <-serving.Done():
				return nil
			case <-look.C:
				if _, err := os.Stat(statePath(a.config)); err == nil {
					return ErrRestored
				}
			}
		}
	})
	api.Go(func() error { a.listenForCommands(serving); return nil })
	close(a.started)
	return api.Wait()
}

// Restore puts a backup in the place of the state of a director whose agent does not run or is degraded. It returns
// where the former one is kept.
func Restore(c config.Config, backup string) (before string, err error) {
	if err := keepsState(c); err != nil {
		return "", err
	}
	return store.Restore(statePath(c), backup)
}

// BeginAnew puts an empty state in that place.
func BeginAnew(c config.Config) (before string, err error) {
	if err := keepsState(c); err != nil {
		return "", err
	}
	return store.BeginAnew(statePath(c))
}

func keepsState(c config.Config) error {
	if c.Dataplane == config.DataplaneMemory {
		return fmt.Errorf("dataplane is %q: such an agent keeps nothing", c.Dataplane)
	}
	return nil
}
