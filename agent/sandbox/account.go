package sandbox

import (
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user as whom scripts run; nil is the agent's own.
type account struct {
	name     string
	uid, gid uint32
}

// lookupAccount finds a user of this machine.
func lookupAccount(name string) (*account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("the user %q, as whom scripts run, does not exist on this director: create it, or name another as scripts.user in the agent's file", name)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("the user %q has the ids %s and %s, which are no numbers", name, u.Uid, u.Gid)
	}
	return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
}

// credential is what the kernel is told: these ids, and no supplementary group.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// mayRun reports why the account may not execute a file, as far as the file's own mode says.
func (a *account) mayRun(path string, info fs.FileInfo) error {
	if a == nil || a.uid == 0 {
		return nil
	}
	stat := info.Sys().(*syscall.Stat_t)
	need := fs.FileMode(0o001)
	switch {
	case stat.Uid == a.uid:
		need = 0o100
	case stat.Gid == a.gid:
		need = 0o010
	}
	if info.Mode().Perm()&need == 0 {
		return fmt.Errorf("%s may not be executed by %s, as whom scripts run (mode %#o): chmod 0755 %s", path, a.name, info.Mode().Perm(), path)
	}
	return nil
}
