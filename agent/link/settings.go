package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Setting is a setting of the kernel as it was before we changed it.
type Setting struct {
	Interface string `json:"interface"`
	// Path is below /proc/sys.
	Path  string `json:"path"`
	Value string `json:"value"`
}

// settings are those of the kernel without which a virtual link would not work, or its parent would answer
// for it. What they were on the parent is written down before the first change.
type settings struct {
	ledger LedgerOf[Setting]
	saved  []Setting
}

func readSettings(ledger LedgerOf[Setting]) (*settings, error) {
	saved, err := ledger.Entries()
	if err != nil {
		return nil, fmt.Errorf("read which settings are changed: %w", err)
	}
	return &settings{ledger: ledger, saved: saved}, nil
}

// prepare makes the settings right for a virtual link, also those that somebody has changed since.
func (s *settings) prepare(l spec.VirtualLink) error {
	if err := judgeAll(); err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		want func(now int) int
	}{
		// The parent does not answer for the addresses of a virtual link. 1, 2 and 8 see to that.
		{"arp_ignore", func(now int) int {
			if now == 0 || now == 3 {
				return 1
			}
			return now
		}},
		// And never asks with one of them as its own, or neighbours would learn the parent's MAC for it.
		{"arp_announce", func(now int) int { return max(now, 2) }},
	} {
		if err := s.change(l.Parent, ipv4Setting(l.Parent, p.name), p.want); err != nil {
			return err
		}
	}
	return prepareVirtual(l)
}

// change changes a setting of the parent, if need be.
func (s *settings) change(iface, path string, want func(now int) int) error {
	now, err := readSetting(path)
	if err != nil {
		return err
	}
	to := want(now)
	if to == now {
		return nil
	}
	saved := slices.ContainsFunc(s.saved, func(o Setting) bool { return o.Path == path })
	if !saved {
		before := Setting{Interface: iface, Path: path, Value: strconv.Itoa(now)}
		if err := s.ledger.Record(before); err != nil {
			return fmt.Errorf("record what %s was: %w", path, err)
		}
		s.saved = append(s.saved, before)
	}
	return writeSetting(path, to)
}

// retain gives back the settings of interfaces on which there is no virtual link any more.
func (s *settings) retain(links []spec.VirtualLink) error {
	var errs []error
	for _, before := range slices.Clone(s.saved) {
		if slices.ContainsFunc(links, func(l spec.VirtualLink) bool { return l.Parent == before.Interface }) {
			continue
		}
		value, err := strconv.Atoi(before.Value)
		if err == nil {
			err = writeSetting(before.Path, value)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // the interface is gone, and they with it
			errs = append(errs, err)
			continue
		}
		if err := s.ledger.Forget(before); err != nil {
			errs = append(errs, fmt.Errorf("forget what %s was: %w", before.Path, err))
			continue
		}
		s.saved = slices.DeleteFunc(s.saved, func(o Setting) bool { return o == before })
	}
	return errors.Join(errs...)
}

// judgeAll reports what the administrator has set for all interfaces and no interface's own setting undoes.
func judgeAll() error {
	for _, no := range []struct {
		name string
		most int
		why  string
	}{
		{"arp_ignore", 1, "an interface with a virtual MAC would not answer ARP, or its parent would"},
		{"arp_filter", 0, "an interface with a virtual MAC would not answer ARP"},
	} {
		path := ipv4Setting("all", no.name)
		now, err := readSetting(path)
		if err != nil {
			return err
		}
		if now > no.most {
			return fmt.Errorf("%s is %d, and so %s: set it to %d, or leave virtual_mac out", dotted(path), now, no.why, no.most)
		}
	}
	return nil
}

// prepareVirtual sets what a virtual link needs for itself. It goes with the link, so nothing is saved.
func prepareVirtual(l spec.VirtualLink) error {
	all, err := readSetting(ipv4Setting("all", "rp_filter"))
	if err != nil {
		return err
	}
	reverse := 0
	if all == 1 {
		// The greater one counts, and 1 refuses what comes in here, because answers leave by the parent. 2 asks
		// for no more than that there is a way back.
		reverse = 2
	}
	forwarding, err := readSetting(ipv4Setting(l.Parent, "forwarding"))
	if err != nil {
		return err
	}
	for _, own := range []struct {
		path string
		want int
	}{
		{ipv4Setting(l.Name, "arp_ignore"), 1},
		{ipv4Setting(l.Name, "arp_filter"), 0},
		{ipv4Setting(l.Name, "rp_filter"), reverse},
		{ipv4Setting(l.Name, "forwarding"), forwarding}, // of frames to the virtual MAC
		{ipv6Setting(l.Name, "addr_gen_mode"), 1},       // no address derived from the virtual MAC (RFC 9568 §7.4)
		{ipv6Setting(l.Name, "autoconf"), 0},
		{ipv6Setting(l.Name, "accept_dad"), 0},
		{ipv6Setting(l.Name, "dad_transmits"), 0},
		{ipv6Setting(l.Name, "keep_addr_on_down"), 1},
		{ipv6Setting(l.Name, "forwarding"), 1}, // the R flag of neighbour advertisements (RFC 9568 §6.4.3), and no more
		{ipv6Setting(l.Name, "accept_ra"), 0},
	} {
		now, err := readSetting(own.path)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(own.path, ipv6Conf) {
			continue // a machine without IPv6
		}
		if err == nil && now != own.want {
			err = writeSetting(own.path, own.want)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	procSys  = "/proc/sys"
	ipv4Conf = "net/ipv4/conf"
	ipv6Conf = "net/ipv6/conf"
)

func ipv4Setting(iface, name string) string { return filepath.Join(ipv4Conf, iface, name) }
func ipv6Setting(iface, name string) string { return filepath.Join(ipv6Conf, iface, name) }

// dotted is how sysctl writes a path.
func dotted(path string) string { return strings.ReplaceAll(path, "/", ".") }

func readSetting(path string) (int, error) {
	text, err := os.ReadFile(filepath.Join(procSys, path))
	if err != nil {
		return 0, fmt.Errorf("read the setting %s: %w", dotted(path), err)
	}
	value, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the setting %s: %w", dotted(path), err)
	}
	return value, nil
}

func writeSetting(path string, value int) error {
	if err := os.WriteFile(filepath.Join(procSys, path), []byte(strconv.Itoa(value)), 0); err != nil {
		return fmt.Errorf("set %s to %d: %w", dotted(path), value, err)
	}
	return nil
}
