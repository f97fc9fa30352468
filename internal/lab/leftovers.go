package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A network's name is the prefix of its namespaces' names, and the name of its folder. It says which
// process made it, so that what a killed process left behind can be told from what is in use: the
// list of all networks is the folder of namespaces, and there is no other.
const networkPrefix = "lvslab"

// networkName returns the name of the nth network of a process.
func networkName(pid, n int) string {
	return fmt.Sprintf("%s-%d-%d", networkPrefix, pid, n)
}

// networkFolder returns the path of a network's folder.
func networkFolder(network string) string { return filepath.Join("/run", network) }

// networkOf returns the network that a namespace is of, and the process that made it. It is not ok
// if no lab did.
func networkOf(namespace string) (network string, pid int, ok bool) {
	parts := strings.SplitN(namespace, "-", 4)
	if len(parts) != 4 || parts[0] != networkPrefix {
		return "", 0, false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.Atoi(parts[2])
	return networkName(pid, n), pid, err == nil
}

// removeLeftovers takes down the networks of processes that are gone. Nobody depends on its success.
func removeLeftovers() {
	for _, name := range namespacesMadeBy(func(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }) {
		endNamespace(name)
	}
}

// removeNetworksOf takes down all networks of a process. While it does, the process may still make
// new ones, out of what remains of its tests.
func removeNetworksOf(pid int) {
	for range 100 {
		names := namespacesMadeBy(func(p int) bool { return p == pid })
		if len(names) == 0 {
			return
		}
		for _, name := range names {
			endNamespace(name)
		}
	}
}

func namespacesMadeBy(wanted func(pid int) bool) (names []string) {
	entries, _ := os.ReadDir(namespaceDir)
	for _, entry := range entries {
		if _, pid, ok := networkOf(entry.Name()); ok && wanted(pid) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// endNamespace ends the processes of a namespace, and takes its name and the network's folder away.
func endNamespace(name string) {
	_ = killProcessesIn(name)
	_ = removeNamespace(name)
	if network, _, ok := networkOf(name); ok {
		_ = os.RemoveAll(networkFolder(network))
	}
}

// How long a killed process may take to be gone: it may have to leave a slow system call.
const killPatience = 10 * time.Second

// killProcessesIn ends all processes in the named namespaces but this one, and returns when they are
// gone.
func killProcessesIn(names ...string) error {
	inodes := map[uint64]bool{}
	for _, name := range names {
		if inode, err := inodeOf(filepath.Join(namespaceDir, name)); err == nil {
			inodes[inode] = true
		}
	}
	for deadline := time.Now().Add(killPatience); ; time.Sleep(time.Millisecond) {
		pids, err := processesIn(names, inodes)
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

// processesIn returns the processes that are in one of those namespaces or on their way to it. One
// that has ended and is not waited for yet is in none.
func processesIn(names []string, inodes map[uint64]bool) (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// In this order: what is not on its way any more has arrived.
		if onItsWay(entry.Name(), names) {
			pids = append(pids, pid)
		} else if inode, err := inodeOf(filepath.Join("/proc", entry.Name(), "ns/net")); err == nil && inodes[inode] {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// onItsWay tells whether a process is the ip-netns of Host.Command, before it becomes the command.
func onItsWay(pid string, names []string) bool {
	arguments, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil {
		return false
	}
	argv := strings.Split(string(arguments), "\x00")
	return len(argv) > 3 && argv[1] == "netns" && argv[2] == "exec" && slices.Contains(names, argv[3])
}

// inodeOf returns what tells one namespace from another (all are files of one file system).
func inodeOf(path string) (uint64, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0, err
	}
	return stat.Ino, nil
}
