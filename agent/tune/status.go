package tune

import (
	"context"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// view is what was last seen and wanted.
type view struct {
	readable  bool
	now, want settings
	reason    string // why the settings are not what is wanted, or empty
	at        time.Time
}

// viewAge is how old a view may be to be answered with. A change made here is seen at once.
const viewAge = time.Second

func (t *Tuner) show(now, want settings, failure error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.view.readable, t.view.now, t.view.want, t.view.at, t.view.reason = true, now, want, time.Now(), ""
	if failure != nil {
		t.view.reason = failure.Error()
	}
}

// Status says how the settings are, and in what they are not what is wanted.
func (t *Tuner) Status(ctx context.Context) (spec.IPVSSettingsState, []spec.Drift) {
	t.refresh(ctx)
	t.mu.Lock()
	seen := t.view
	t.mu.Unlock()
	if !seen.readable {
		return spec.IPVSSettingsState{Reason: seen.reason, Sysctls: map[string]int{}}, []spec.Drift{}
	}
	state := spec.IPVSSettingsState{
		Master: daemonState(seen.now.daemons.master), Backup: daemonState(seen.now.daemons.backup),
		Timeouts: spec.IPVSTimeouts{
			TCP: seen.now.numbers.timeout(timeoutTCP), TCPFin: seen.now.numbers.timeout(timeoutTCPFin), UDP: seen.now.numbers.timeout(timeoutUDP),
		},
		Sysctls: map[string]int{},
		Reason:  seen.reason,
	}
	for _, f := range sysctls() {
		if value, there := seen.now.numbers[f]; there {
			state.Sysctls[f.key()] = value
		}
	}
	return state, differences(seen.now, seen.want)
}

// refresh reads the settings again if the view of them is old and nobody is changing them just now.
func (t *Tuner) refresh(ctx context.Context) {
	if !t.turn.TryLock() {
		return
	}
	defer t.turn.Unlock()
	t.mu.Lock()
	old := t.asked && time.Since(t.view.at) >= viewAge
	t.mu.Unlock()
	if !old {
		return
	}
	now, err := t.read(ctx)
	if err != nil && ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.view.at = time.Now()
	if err != nil {
		t.view.readable, t.view.reason = false, err.Error()
		return
	}
	t.view.readable, t.view.now = true, now
}

func (n numbers) timeout(f field) *spec.Duration {
	d := spec.Duration(time.Duration(n[f]) * time.Second)
	return &d
}

func daemonState(d *ipvs.SyncDaemon) *spec.SyncDaemon {
	if d == nil {
		return nil
	}
	return &spec.SyncDaemon{
		Interface: d.Interface, SyncID: int(d.ID), Group: d.Group, Port: int(d.Port), TTL: int(d.TTL), MaxLength: int(d.MaxLength),
	}
}
