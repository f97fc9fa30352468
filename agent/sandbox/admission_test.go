package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// Each case lays out a folder, DIR, and says what becomes of a command in it. OUT is a folder beside it.
func TestAdmission(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		layout  func(t *testing.T, dir, out string)
		command string
		want    string
	}{
		"good program": {program("DIR/good", 0o755), "DIR/good", "admitted"},
		"good program, for its owner and nobody else, of an agent that is no root": {program("DIR/good", 0o700), "DIR/good", "admitted"},
		"in a folder below":                     {both(folder("DIR/sub", 0o755), program("DIR/sub/good", 0o755)), "DIR/sub/good", "admitted"},
		"link to a program inside":              {both(program("DIR/good", 0o755), link("DIR/good", "DIR/link")), "DIR/link", "admitted"},
		"link from outside to a program inside": {both(program("DIR/good", 0o755), link("DIR/good", "OUT/link")), "OUT/link", "admitted"},
		"missing":                               {nothing, "DIR/none", "DIR/none: does not exist on this director: put the program there"},
		"below a file":                          {program("DIR/good", 0o755), "DIR/good/more", "DIR/good/more: not a directory on this director: put the program there"},
		"dangling link":                         {link("DIR/none", "DIR/link"), "DIR/link", "DIR/link: does not exist on this director: put the program there"},
		"relative":                              {nothing, "good", `"good" is not an absolute path`},
		"outside":                               {program("OUT/good", 0o755), "OUT/good", "OUT/good is outside DIR, the agent's scripts.directory: put the program itself there"},
		"outside by dots":                       {program("OUT/good", 0o755), "DIR/../out/good", "OUT/good is outside DIR, the agent's scripts.directory: put the program itself there"},
		"outside by a link":                     {both(program("OUT/good", 0o755), link("OUT/good", "DIR/link")), "DIR/link", "OUT/good is outside DIR, the agent's scripts.directory: put the program itself there"},
		"outside by a linked folder":            {both(program("OUT/good", 0o755), link("OUT", "DIR/sub")), "DIR/sub/good", "OUT/good is outside DIR, the agent's scripts.directory: put the program itself there"},
		"beside, with the same beginning":       {both(folder("DIR-more", 0o755), program("DIR-more/good", 0o755)), "DIR-more/good", "DIR-more/good is outside DIR, the agent's scripts.directory: put the program itself there"},
		"the folder itself":                     {nothing, "DIR", "DIR is a folder: name a program in it"},
		"a folder":                              {folder("DIR/sub", 0o755), "DIR/sub", "DIR/sub is a folder: name a program in it"},
		"a pipe": {func(t *testing.T, dir, _ string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "DIR/pipe", "DIR/pipe is not a regular file: put the program itself there"},
		"not executable":                                        {program("DIR/plain", 0o644), "DIR/plain", "DIR/plain is not executable: chmod 0755 DIR/plain"},
		"writable by all":                                       {program("DIR/open", 0o757), "DIR/open", "DIR/open can be changed by others (mode 0757): chmod go-w DIR/open"},
		"writable by the group":                                 {program("DIR/open", 0o775), "DIR/open", "DIR/open can be changed by others (mode 0775): chmod go-w DIR/open"},
		"in a folder that all may write to":                     {both(folder("DIR/sub", 0o777), program("DIR/sub/good", 0o755)), "DIR/sub/good", "DIR/sub can be changed by others (mode 0777): chmod go-w DIR/sub"},
		"in a sticky folder that all may write to":              {both(folder("DIR/sub", 0o777|fs.ModeSticky), program("DIR/sub/good", 0o755)), "DIR/sub/good", "DIR/sub can be changed by others (mode 0777): chmod go-w DIR/sub"},
		"where all may write to the scripts' folder":            {both(program("DIR/good", 0o755), mode("DIR", 0o777)), "DIR/good", "DIR can be changed by others (mode 0777): chmod go-w DIR"},
		"where all may write above the scripts' folder":         {both(program("DIR/good", 0o755), mode("DIR/..", 0o777)), "DIR/good", "ROOT can be changed by others (mode 0777): chmod go-w ROOT"},
		"where all may write above it, each to what is his own": {both(program("DIR/good", 0o755), mode("DIR/..", 0o777|fs.ModeSticky)), "DIR/good", "admitted"},
		"where there is no scripts' folder": {func(t *testing.T, dir, _ string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
		}, "DIR/good", "scripts.directory DIR: does not exist on this director: create it, owned by root, with mode 0755"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			dir, out := filepath.Join(root, "dir"), filepath.Join(root, "out")
			for _, path := range []string{dir, out} {
				makeFolder(t, path, 0o755)
			}
			tt.layout(t, dir, out)
			place := strings.NewReplacer("DIR", dir, "OUT", out)
			a := admission{directory: dir, self: uint32(os.Geteuid())}
			got := "admitted"
			if _, _, err := a.admit(place.Replace(tt.command)); err != nil {
				got = strings.NewReplacer(dir, "DIR", out, "OUT", root, "ROOT").Replace(err.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdmissionLeadsToTheFileBehindALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program("DIR/good", 0o755)(t, dir, "")
	link("DIR/good", "DIR/link")(t, dir, "")
	file, _, err := admission{directory: dir, self: uint32(os.Geteuid())}.admit(filepath.Join(dir, "link"))
	if err != nil || file != filepath.Join(dir, "good") {
		t.Errorf("got %q, %v", file, err)
	}
}

func TestAdmissionByOwner(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		owner, self uint32
		want        string
	}{
		"root":                {0, 1000, "admitted"},
		"the agent":           {1000, 1000, "admitted"},
		"root, agent is root": {0, 0, "admitted"},
		"another":             {1001, 1000, "/s/x belongs to user id 1001: chown root /s/x"},
		"another, agent root": {1000, 0, "/s/x belongs to user id 1000: chown root /s/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := "admitted"
			if err := (admission{self: tt.self}).guarded("/s/x", fileInfo{mode: 0o755, stat: syscall.Stat_t{Uid: tt.owner}}); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			got = "admitted"
			if err := (admission{self: tt.self}).holdsStill("/s/x", fileInfo{mode: 0o777 | fs.ModeSticky, stat: syscall.Stat_t{Uid: tt.owner}}); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("below a sticky folder (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccountMayRun(t *testing.T) {
	t.Parallel()
	someone := &account{name: "lvs-check", uid: 990, gid: 980}
	const denied = "/s/x may not be executed by lvs-check, as whom scripts run (mode %#o): chmod 0755 /s/x"
	for name, tt := range map[string]struct {
		as       *account
		mode     fs.FileMode
		uid, gid uint32
		want     string
	}{
		"all may":                       {someone, 0o755, 0, 0, ""},
		"root's alone":                  {someone, 0o700, 0, 0, denied},
		"its group's":                   {someone, 0o750, 0, 980, ""},
		"another group's":               {someone, 0o750, 0, 981, denied},
		"its own, which it may not run": {someone, 0o055, 990, 0, denied},
		"an agent that runs as itself":  {nil, 0o700, 0, 0, ""},
		"scripts run as root":           {&account{name: "root"}, 0o700, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := tt.as.mayRun("/s/x", fileInfo{mode: tt.mode, stat: syscall.Stat_t{Uid: tt.uid, Gid: tt.gid}}); err != nil {
				got = err.Error()
			}
			want := tt.want
			if want == denied {
				want = fmt.Sprintf(denied, tt.mode)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckPointsAtTheProgram(t *testing.T) {
	t.Parallel()
	dir := scriptFolder(t)
	program("DIR/good", 0o755)(t, dir, "")
	for name, tt := range map[string]struct {
		sandbox *Sandbox
		command []string
		want    spec.FieldErrors
	}{
		"good":       {newSandbox(t, dir, "nobody"), []string{dir + "/good", "-x"}, nil},
		"no command": {newSandbox(t, dir, "nobody"), nil, spec.FieldErrors{{Pointer: "/command", Detail: "there is no command"}}},
		"missing": {newSandbox(t, dir, "nobody"), []string{dir + "/none"}, spec.FieldErrors{{Pointer: "/command/0",
			Detail: dir + "/none: does not exist on this director: put the program there"}}},
		"no such user": {&Sandbox{admission: admission{directory: dir, self: uint32(os.Geteuid())}, user: "no-such-user"}, []string{dir + "/good"},
			spec.FieldErrors{{Pointer: "/command/0", Detail: `the user "no-such-user", as whom scripts run, does not exist on this director: create it, or name another as scripts.user in the agent's file`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.sandbox.Check(Command{Line: tt.command})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// layouts of a folder

type layout = func(t *testing.T, dir, out string)

func nothing(*testing.T, string, string) {}

func both(first, second layout) layout {
	return func(t *testing.T, dir, out string) {
		t.Helper()
		first(t, dir, out)
		second(t, dir, out)
	}
}

func program(path string, perm fs.FileMode) layout {
	return func(t *testing.T, dir, out string) {
		t.Helper()
		path := strings.NewReplacer("DIR", dir, "OUT", out).Replace(path)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), perm); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, perm); err != nil {
			t.Fatal(err)
		}
	}
}

func folder(path string, perm fs.FileMode) layout {
	return func(t *testing.T, dir, out string) {
		t.Helper()
		makeFolder(t, strings.NewReplacer("DIR", dir, "OUT", out).Replace(path), perm)
	}
}

func mode(path string, perm fs.FileMode) layout {
	return func(t *testing.T, dir, out string) {
		t.Helper()
		if err := os.Chmod(strings.NewReplacer("DIR", dir, "OUT", out).Replace(path), perm); err != nil {
			t.Fatal(err)
		}
	}
}

func link(to, path string) layout {
	return func(t *testing.T, dir, out string) {
		t.Helper()
		place := strings.NewReplacer("DIR", dir, "OUT", out)
		if err := os.Symlink(place.Replace(to), place.Replace(path)); err != nil {
			t.Fatal(err)
		}
	}
}

func makeFolder(t *testing.T, path string, perm fs.FileMode) {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// fileInfo is a file that belongs to whom the test likes, which only root could make.
type fileInfo struct {
	mode fs.FileMode
	stat syscall.Stat_t
}

func (i fileInfo) Name() string       { return "x" }
func (i fileInfo) Size() int64        { return 0 }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return &i.stat }
