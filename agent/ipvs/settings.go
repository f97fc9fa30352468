package ipvs

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Commands beside those of the table, IPVS_CMD_*.
const (
	commandStartDaemon = 9
	commandStopDaemon  = 10
	commandGetDaemons  = 11
	commandSetTimeouts = 12
	commandGetTimeouts = 13
)

// Settings is what the kernel's IPVS has beside its table, one for each network namespace.
type Settings struct {
	// Master and Backup are the sync daemons; nil while one does not run.
	Master, Backup *SyncDaemon
	Timeouts       Timeouts
}

// Settings reads what there is beside the table. Where the kernel may, it loads IPVS for that.
func (k *Kernel) Settings(ctx context.Context) (s Settings, err error) {
	err = k.read(ctx, func(ctx context.Context) error {
		s, err = k.socket.readSettings(ctx)
		return err
	})
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings of IPVS: %w", err)
	}
	return s, nil
}

func (c *socket) readSettings(ctx context.Context) (Settings, error) {
	message, err := c.get(ctx, commandGetTimeouts, nil)
	if err != nil {
		return Settings{}, fmt.Errorf("timeouts: %w", err)
	}
	var s Settings
	if s.Timeouts, err = decodeTimeouts(message); err != nil {
		return Settings{}, err
	}
	err = c.dump(ctx, commandGetDaemons, nil, func() { s.Master, s.Backup = nil, nil }, func(message []byte) error {
		d, err := decodeSyncDaemon(message)
		if err != nil {
			return err
		}
		*s.slot(d.State) = &d
		return nil
	})
	if err != nil {
		return Settings{}, fmt.Errorf("sync daemons: %w", err)
	}
	return s, nil
}

// slot returns where a daemon of that state is.
func (s *Settings) slot(state SyncState) **SyncDaemon {
	if state == SyncMaster {
		return &s.Master
	}
	return &s.Backup
}

// StartDaemon starts a sync daemon. One of that state that runs already is an error that wraps
// syscall.EEXIST: the kernel has one of each.
func (k *Kernel) StartDaemon(ctx context.Context, d SyncDaemon) error {
	err := k.change(ctx, commandStartDaemon, d.encode)
	switch {
	case errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("start the %s sync daemon: %s is not there: %w", d.State, d.Interface, err)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("start the %s sync daemon: %w: the kernel has none beside destinations of another family than their service", d.State, err)
	case err != nil:
		return fmt.Errorf("start the %s sync daemon: %w", d.State, err)
	}
	return nil
}

// StopDaemon stops a sync daemon as it was read. One that does not run any more is stopped.
func (k *Kernel) StopDaemon(ctx context.Context, d SyncDaemon) error {
	err := k.change(ctx, commandStopDaemon, d.encode)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the %s sync daemon: %w", d.State, err)
	}
	return nil
}

// SetTimeouts sets those that are not 0. The kernel counts whole seconds and takes 0 for "leave it as it
// is", so a fraction is an error here.
func (k *Kernel) SetTimeouts(ctx context.Context, t Timeouts) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("set the timeouts of IPVS: %w", err)
	}
	if err := k.change(ctx, commandSetTimeouts, t.encode); err != nil {
		return fmt.Errorf("set the timeouts of IPVS: %w", err)
	}
	return nil
}

// change sends a command that is answered by an acknowledgement alone.
func (k *Kernel) change(ctx context.Context, command uint8, attributes func(*encoder)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.once(ctx, func(ctx context.Context) error {
		r := k.socket.request()
		r.add(k.socket.family, 0, command, familyVersion, attributes)
		said, err := k.socket.batch(ctx, r)
		return errors.Join(append(said, err)...)
	})
}

// Timeouts are how long connections without traffic are remembered, in whole seconds.
type Timeouts struct{ TCP, TCPFin, UDP time.Duration }

// Attributes of a message about timeouts, IPVS_CMD_ATTR_TIMEOUT_*.
const (
	attrTimeoutTCP    = 4
	attrTimeoutTCPFin = 5
	attrTimeoutUDP    = 6
)

func decodeTimeouts(message []byte) (Timeouts, error) {
	if len(message) < headerLength {
		return Timeouts{}, fmt.Errorf("decode timeouts: %w", errShort)
	}
	r := newReader(message[headerLength:])
	seconds := func(kind uint16) time.Duration { return time.Duration(r.uint32(kind)) * time.Second }
	t := Timeouts{TCP: seconds(attrTimeoutTCP), TCPFin: seconds(attrTimeoutTCPFin), UDP: seconds(attrTimeoutUDP)}
	if r.err != nil {
		return Timeouts{}, fmt.Errorf("decode timeouts: %w", r.err)
	}
	return t, nil
}

func (t Timeouts) encode(e *encoder) {
	e.uint32(attrTimeoutTCP, uint32(t.TCP/time.Second))
	e.uint32(attrTimeoutTCPFin, uint32(t.TCPFin/time.Second))
	e.uint32(attrTimeoutUDP, uint32(t.UDP/time.Second))
}

func (t Timeouts) check() error {
	for _, d := range []time.Duration{t.TCP, t.TCPFin, t.UDP} {
		if d < 0 || d%time.Second != 0 {
			return fmt.Errorf("%s is no number of whole seconds", d)
		}
	}
	return nil
}

// String returns the command that an operator would type: "ipvsadm --set 900 120 300".
func (t Timeouts) String() string {
	return fmt.Sprintf("ipvsadm --set %d %d %d", t.TCP/time.Second, t.TCPFin/time.Second, t.UDP/time.Second)
}
