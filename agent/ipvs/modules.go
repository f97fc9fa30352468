package ipvs

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Modules are the parts of IPVS that the kernel has or could load, without their ip_vs_: rr, pe_sip. It is nil
// where that is not known.
type Modules []string

// Has reports whether the kernel has a part or could load it. It is assumed where nobody knows.
func (m Modules) Has(name string) bool { return m == nil || slices.Contains(m, name) }

// LocalModules are those of the running kernel. They are read again when depmod(8) has written its lists anew. It may be
// used by several goroutines.
type LocalModules struct {
	mu     sync.Mutex
	listed [2]time.Time // when each list was written that was read last
	read   Modules
}

// Read returns them. It loads none.
func (m *LocalModules) Read() (Modules, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("read the kernel's release: %w", err)
	}
	return m.in(os.DirFS("/"), unix.ByteSliceToString(name.Release[:])), nil
}

// in returns those of a release. A list that is not there was written at no time.
func (m *LocalModules) in(root fs.FS, release string) Modules {
	m.mu.Lock()
	defer m.mu.Unlock()
	var listed [2]time.Time
	for i, list := range lists(release) {
		if file, err := fs.Stat(root, list); err == nil {
			listed[i] = file.ModTime()
		}
	}
	if listed != m.listed {
		m.read, m.listed = modulesIn(root, release), listed
	}
	return m.read
}

// lists are the files in which depmod(8) wrote down what is built into a release and what it could load.
func lists(release string) [2]string {
	of := path.Join("lib/modules", release)
	return [2]string{path.Join(of, "modules.builtin"), path.Join(of, "modules.dep")}
}

// modulesIn reads what depmod(8) wrote down of a release. A kernel without that may well have everything built in,
// and what it has loaded says nothing about what it could load.
func modulesIn(root fs.FS, release string) Modules {
	all := Modules{} // not nil
	for _, list := range lists(release) {
		found, err := names(root, list)
		if err != nil {
			return nil
		}
		all = append(all, found...)
	}
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
