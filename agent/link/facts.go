package link

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Facts returns the kernel's release and the network interfaces of this machine, with the addresses that are on
// them now, whoever put them there.
func Facts() (spec.Facts, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return spec.Facts{}, fmt.Errorf("read the kernel's release: %w", err)
	}
	facts := spec.Facts{KernelRelease: unix.ByteSliceToString(name.Release[:]), Interfaces: map[string]spec.NetworkInterface{}}
	all, err := net.Interfaces()
	if err != nil {
		return facts, fmt.Errorf("list the network interfaces: %w", err)
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		one := spec.NetworkInterface{Up: i.Flags&net.FlagUp != 0, Running: i.Flags&net.FlagRunning != 0, Addresses: []netip.Prefix{}}
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				one.Addresses = append(one.Addresses, p)
			}
		}
		facts.Interfaces[i.Name] = one
	}
	return facts, nil
}
