package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A network's name is the prefix of its namespaces' names. It says which process made it, so that
// what a killed process left behind can be told from what is in use: the list of all networks is the
// folder of namespaces, and there is no other.
const networkPrefix = "lvslab"

// networkName returns the name of the nth network of a process.
func networkName(pid, n int) string {
	return fmt.Sprintf("%s-%d-%d", networkPrefix, pid, n)
}

// makerOf returns the process that made a namespace, if a lab did.
func makerOf(namespace string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(namespace, networkPrefix+"-")
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(number)
	return pid, err == nil
}

// removeLeftovers takes down the networks of processes that are gone. Nobody depends on its success.
func removeLeftovers() {
	for _, name := range namespacesMadeBy(func(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }) {
		_ = endNamespace(name)
	}
}

// removeNetworksOf takes down all networks of a process.
func removeNetworksOf(pid int) {
	for _, name := range namespacesMadeBy(func(p int) bool { return p == pid }) {
		_ = endNamespace(name)
	}
}

func namespacesMadeBy(wanted func(pid int) bool) (names []string) {
	entries, _ := os.ReadDir(namespaceDir)
	for _, entry := range entries {
		if pid, ok := makerOf(entry.Name()); ok && wanted(pid) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// endNamespace ends the processes of a namespace and takes its name away.
func endNamespace(name string) error {
	return errors.Join(killProcessesIn(name), removeNamespace(name))
}

// How long a killed process may take to be gone: it may have to leave a slow system call.
const killPatience = 10 * time.Second

// killProcessesIn ends all processes in the named namespaces but this one, and returns when they are
// gone.
func killProcessesIn(names ...string) error {
	inside := map[uint64]bool{}
	for _, name := range names {
		if inode, err := inodeOf(filepath.Join(namespaceDir, name)); err == nil {
			inside[inode] = true
		}
	}
	for deadline := time.Now().Add(killPatience); ; time.Sleep(time.Millisecond) {
		pids, err := processesIn(inside)
		if err != nil || len(pids) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v do not end", pids)
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself
		}
	}
}

// processesIn returns the processes whose network namespace is one of those. Those that have ended
// and are not waited for yet have none.
func processesIn(inside map[uint64]bool) (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if inode, err := inodeOf(filepath.Join("/proc", entry.Name(), "ns/net")); err == nil && inside[inode] {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// inodeOf returns what tells one namespace from another (all are files of one file system).
func inodeOf(path string) (uint64, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0, err
	}
	return stat.Ino, nil
}
