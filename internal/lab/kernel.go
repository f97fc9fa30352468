package lab

import (
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// HasIPVS tells whether the running kernel answers the generic netlink family of IPVS, which it does
// where the module ip_vs is loaded or built in.
func HasIPVS() bool {
	_, err := netlink.GenlFamilyGet("IPVS")
	return err == nil
}

// HasRoot tells whether this process may make network namespaces: it is root, and not one that a
// container keeps from it.
func HasRoot() bool {
	return os.Geteuid() == 0 && onOwnThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) }) == nil
}
