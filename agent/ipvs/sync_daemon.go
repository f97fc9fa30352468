package ipvs

import (
	"fmt"
	"net/netip"
)

// SyncDaemon is a thread of the kernel that tells other directors of connections, or hears of theirs.
type SyncDaemon struct {
	State     SyncState
	Interface string
	ID        uint8
	// Group, Port and TTL are where its messages go, or come from.
	Group netip.Addr
	Port  uint16
	TTL   uint8
	// MaxLength bounds a message, in bytes. 0 leaves it to the kernel.
	MaxLength uint16
}

// SyncState says what a sync daemon does. It has the kernel's numbers, IP_VS_STATE_*.
type SyncState uint32

// The states: a master tells, a backup hears.
const (
	SyncMaster SyncState = 1
	SyncBackup SyncState = 2
)

// String returns the state as ipvsadm writes it.
func (s SyncState) String() string {
	if s == SyncMaster {
		return "master"
	}
	return "backup"
}

// Satisfies reports whether a daemon that runs is the one that is wanted.
func (d SyncDaemon) Satisfies(want SyncDaemon) bool {
	if want.MaxLength == 0 {
		want.MaxLength = d.MaxLength
	}
	return d == want
}

// String returns the command that an operator would type: "ipvsadm --start-daemon master
// --mcast-interface eth0".
func (d SyncDaemon) String() string {
	s := fmt.Sprintf("ipvsadm --start-daemon %s --mcast-interface %s --syncid %d --mcast-group %s --mcast-port %d --mcast-ttl %d",
		d.State, d.Interface, d.ID, d.Group, d.Port, d.TTL)
	if d.MaxLength != 0 {
		s += fmt.Sprintf(" --sync-maxlen %d", d.MaxLength)
	}
	return s
}

// The attribute of a sync daemon, and those in it, IPVS_DAEMON_ATTR_*.
const (
	attrDaemon = 3

	daemonState     = 1
	daemonInterface = 2
	daemonID        = 3
	daemonMaxLength = 4
	daemonGroup     = 5
	daemonGroup6    = 6
	daemonPort      = 7 // in the host's order, unlike all other ports
	daemonTTL       = 8
)

func (d SyncDaemon) encode(e *encoder) {
	e.nested(attrDaemon, func() {
		e.uint32(daemonState, uint32(d.State))
		e.text(daemonInterface, d.Interface)
		e.uint32(daemonID, uint32(d.ID))
		if d.MaxLength != 0 {
			e.uint16(daemonMaxLength, d.MaxLength)
		}
		group := uint16(daemonGroup)
		if !d.Group.Is4() {
			group = daemonGroup6
		}
		e.address(group, d.Group)
		e.uint16(daemonPort, d.Port)
		e.uint8(daemonTTL, d.TTL)
	})
}

// decodeSyncDaemon reads an answer to IPVS_CMD_GET_DAEMON.
func decodeSyncDaemon(message []byte) (SyncDaemon, error) {
	body, err := inside(message, attrDaemon)
	if err != nil {
		return SyncDaemon{}, fmt.Errorf("decode sync daemon: %w", err)
	}
	r := newReader(body)
	d := SyncDaemon{
		State:     SyncState(r.uint32(daemonState)),
		Interface: r.text(daemonInterface),
		ID:        uint8(r.uint32(daemonID)),
		Port:      r.uint16(daemonPort),
		TTL:       r.uint8(daemonTTL),
		MaxLength: r.uint16(daemonMaxLength),
		Group:     r.address(daemonGroup, IPv4),
	}
	if r.has(daemonGroup6) {
		d.Group = r.address(daemonGroup6, IPv6)
	}
	if r.err != nil {
		return SyncDaemon{}, fmt.Errorf("decode sync daemon: %w", r.err)
	}
	return d, nil
}
