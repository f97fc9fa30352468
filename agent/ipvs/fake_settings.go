package ipvs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// FakeSettings is what the kernel has beside its table, in memory. It may be used by several goroutines.
type FakeSettings struct {
	mu       sync.Mutex
	settings Settings
	commands []string
	broken   error
}

// NewFakeSettings returns the settings of a kernel that nobody has touched.
func NewFakeSettings() *FakeSettings {
	return &FakeSettings{settings: Settings{Timeouts: Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}}}
}

// Settings returns what there is.
func (f *FakeSettings) Settings(context.Context) (Settings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, f.broken
}

// StartDaemon starts a sync daemon, see Kernel.StartDaemon.
func (f *FakeSettings) StartDaemon(_ context.Context, d SyncDaemon) error {
	return f.change(d.String(), func(s *Settings) error {
		slot := s.slot(d.State)
		if *slot != nil {
			return fmt.Errorf("start the %s sync daemon: %w", d.State, syscall.EEXIST)
		}
		if d.MaxLength == 0 {
			const ethernet, headers = 1500, 20 + 8 // what the kernel makes of 0
			d.MaxLength = ethernet - headers
		}
		*slot = &d
		return nil
	})
}

// StopDaemon stops a sync daemon, see Kernel.StopDaemon.
func (f *FakeSettings) StopDaemon(_ context.Context, d SyncDaemon) error {
	return f.change("ipvsadm --stop-daemon "+d.State.String(), func(s *Settings) error {
		*s.slot(d.State) = nil
		return nil
	})
}

// SetTimeouts sets timeouts, see Kernel.SetTimeouts.
func (f *FakeSettings) SetTimeouts(_ context.Context, t Timeouts) error {
	return f.change(t.String(), func(s *Settings) error {
		for _, one := range []struct{ is, want *time.Duration }{
			{&s.Timeouts.TCP, &t.TCP}, {&s.Timeouts.TCPFin, &t.TCPFin}, {&s.Timeouts.UDP, &t.UDP},
		} {
			if *one.want != 0 {
				*one.is = *one.want
			}
		}
		return t.check()
	})
}

func (f *FakeSettings) change(command string, do func(*Settings) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	f.commands = append(f.commands, command)
	return do(&f.settings)
}

// Edit changes the settings behind everybody's back, as an operator does.
func (f *FakeSettings) Edit(change func(*Settings)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.settings)
}

// Break makes every call fail with err, until Break(nil).
func (f *FakeSettings) Break(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// String prints the commands that make a fresh kernel so.
func (f *FakeSettings) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, d := range []*SyncDaemon{f.settings.Master, f.settings.Backup} {
		if d != nil {
			b.WriteString(d.String() + "\n")
		}
	}
	return b.String() + f.settings.Timeouts.String() + "\n"
}

// Commands returns what was carried out so far, as an operator would have typed it.
func (f *FakeSettings) Commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.commands)
}
