package tune

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Machine is what is tuned beside IPVS itself.
type Machine interface {
	// Sysctl returns a setting of the kernel by its name, net.ipv4.ip_forward; fs.ErrNotExist when it has
	// none of that name.
	Sysctl(key string) (int, error)
	SetSysctl(key string, value int) error
	// Interface finds a network interface by name. The error tells a person what there is instead.
	Interface(name string) (Interface, error)
}

// Interface is a network interface at one moment.
type Interface struct {
	// Index is its own: one of the same name that is made anew has another.
	Index     int
	Addresses []netip.Addr
}

// Local is the machine and the network namespace that the agent runs in.
type Local struct{}

const procSys = "/proc/sys"

func sysctlFile(key string) string {
	return filepath.Join(procSys, strings.ReplaceAll(key, ".", "/"))
}

// Sysctl reads the file of a setting.
func (Local) Sysctl(key string) (int, error) {
	data, err := os.ReadFile(sysctlFile(key))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

// SetSysctl writes the file of a setting.
func (Local) SetSysctl(key string, value int) error {
	file, err := os.OpenFile(sysctlFile(key), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(strconv.Itoa(value))
	return errors.Join(err, file.Close())
}

// Interface asks the kernel.
func (Local) Interface(name string) (Interface, error) {
	found, err := net.InterfaceByName(name)
	if err != nil {
		var names []string
		all, _ := net.Interfaces() // only to help
		for _, i := range all {
			names = append(names, i.Name)
		}
		return Interface{}, fmt.Errorf("%s does not exist on this director: it has %s", name, strings.Join(names, ", "))
	}
	i := Interface{Index: found.Index}
	addresses, err := found.Addrs()
	if err != nil {
		return Interface{}, fmt.Errorf("read the addresses of %s: %w", name, err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			i.Addresses = append(i.Addresses, p.Addr())
		}
	}
	return i, nil
}

// Identity names this boot and this network namespace, for Config.Identity.
func (Local) Identity() (string, error) {
	boot, err := os.ReadFile(filepath.Join(procSys, "kernel/random/boot_id"))
	if err != nil {
		return "", err
	}
	namespace, err := os.Readlink("/proc/thread-self/ns/net")
	return strings.TrimSpace(string(boot)) + " " + namespace, err
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
