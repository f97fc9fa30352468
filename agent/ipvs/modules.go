package ipvs

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Modules are the parts of IPVS that the kernel has or could load, without their ip_vs_: rr, pe_sip. It is nil
// where that is not known.
type Modules []string

// Has reports whether the kernel has a part or could load it. It is assumed where nobody knows.
func (m Modules) Has(name string) bool { return m == nil || slices.Contains(m, name) }

// LocalModules returns those of the running kernel. It loads none.
func LocalModules() (Modules, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("read the kernel's release: %w", err)
	}
	return modulesIn(os.DirFS("/"), unix.ByteSliceToString(name.Release[:])), nil
}

// modulesIn reads what depmod(8) wrote down of a release. A kernel without that may well have everything built in,
// and what it has loaded says nothing about what it could load.
func modulesIn(root fs.FS, release string) Modules {
	of := path.Join("lib/modules", release)
	builtIn, err := names(root, path.Join(of, "modules.builtin"))
	if err != nil {
		return nil
	}
	loadable, err := names(root, path.Join(of, "modules.dep"))
	if err != nil {
		return nil
	}
	all := append(append(Modules{}, builtIn...), loadable...) // never nil
	slices.Sort(all)
	return slices.Compact(all)
}

// names returns the parts of IPVS in a list of modules, of which each line begins with a file:
// kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz.
func names(root fs.FS, list string) ([]string, error) {
	file, err := root.Open(list)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var found []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20) // some modules need a great many
	for lines.Scan() {
		module, _, _ := strings.Cut(lines.Text(), ":")
		name, _, isModule := strings.Cut(path.Base(module), ".ko")
		if part, ok := strings.CutPrefix(name, "ip_vs_"); ok && isModule {
			found = append(found, part)
		}
	}
	return found, lines.Err()
}
