package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// scriptFolder returns a folder as an administrator would make it. The folders above it let others
// pass: a script may run as another user than the test.
func scriptFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, above := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// write puts a shell script into a folder, and returns its path.
func write(t *testing.T, dir, name, body string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// newSandbox returns a sandbox with room enough, that ends with the test.
func newSandbox(t *testing.T, dir, user string) *Sandbox {
	t.Helper()
	return limited(t, dir, user, Limits{CPUTime: spec.Duration(time.Minute), Memory: 1 << 30, Processes: 10_000})
}

func limited(t *testing.T, dir, user string, l Limits) *Sandbox {
	t.Helper()
	s := New(Config{Directory: dir, User: user, Limits: l})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const (
	// patience is for what is expected to come; a busy machine may take long.
	patience = 20 * time.Second
	// brief is for what is expected not to come.
	brief = 100 * time.Millisecond
)

// runScript runs a command to its end, and returns what a person would read.
func runScript(t *testing.T, s *Sandbox, timeout time.Duration, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return text(s.Run(ctx, Command{Line: command}))
}

func text(err error) string {
	if err == nil {
		return "passed"
	}
	return err.Error()
}

// Not parallel, like all tests here that write a program and run it: between fork and exec a child of
// one test would hold the other's program open for writing, which cannot be executed then.
func TestScriptResults(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	noInterpreter := filepath.Join(dir, "no-interpreter")
	noFormat := filepath.Join(dir, "no-format")
	for path, content := range map[string]string{noInterpreter: "#!/no/such/interpreter\n", noFormat: "\x00\x01\x02"} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		command []string
		timeout time.Duration
		want    string
	}{
		"passes":                      {[]string{write(t, dir, "pass", "exit 0")}, patience, "passed"},
		"passes and talks":            {[]string{write(t, dir, "talk", "echo all is well; echo really >&2")}, patience, "passed"},
		"fails":                       {[]string{write(t, dir, "fail", "exit 3")}, patience, "exit status 3"},
		"fails and says why":          {[]string{write(t, dir, "why", "echo; echo no database; echo more; exit 1")}, patience, "exit status 1: no database"},
		"says why on stderr":          {[]string{write(t, dir, "err", "echo no route >&2; exit 1")}, patience, "exit status 1: no route"},
		"is killed by a signal":       {[]string{write(t, dir, "sig", "kill -TERM $$")}, patience, "signal: terminated"},
		"hangs":                       {[]string{write(t, dir, "hang", "sleep 60")}, brief, "context deadline exceeded"},
		"ignores polite signals":      {[]string{write(t, dir, "ignore", "trap '' TERM HUP INT; sleep 60; sleep 60")}, brief, "context deadline exceeded"},
		"floods":                      {[]string{write(t, dir, "flood", "head -c 10000000 /dev/zero | tr '\\0' a; exit 1")}, patience, "exit status 1: " + strings.Repeat("a", spec.MaxReason) + "…"},
		"reads its input":             {[]string{write(t, dir, "read", "read x || echo nothing to read; exit 1")}, patience, "exit status 1: nothing to read"},
		"takes arguments as given":    {[]string{write(t, dir, "args", `echo "$#:$1:$2"; exit 1`), "a b; exit 0", "$HOME"}, patience, "exit status 1: 2:a b; exit 0:$HOME"},
		"names an interpreter":        {[]string{noInterpreter}, patience, noInterpreter + ": the interpreter in its first line does not exist on this director"},
		"is not a program":            {[]string{noFormat}, patience, noFormat + " is neither a program of this machine nor a script: begin it with a line such as #!/bin/sh"},
		"is not there":                {[]string{filepath.Join(dir, "none")}, patience, filepath.Join(dir, "none") + ": does not exist on this director: put the program there"},
		"is nothing":                  {nil, patience, "there is no command"},
		"works in the root folder":    {[]string{write(t, dir, "pwd", "pwd; exit 1")}, patience, "exit status 1: /"},
		"leads a session":             {[]string{write(t, dir, "sid", `[ "$(cut -d' ' -f6 /proc/$$/stat)" = $$ ]`)}, patience, "passed"},
		"has no group but its own":    {[]string{write(t, dir, "grp", `[ "$(id -G)" = "$(id -g)" ] || { id; exit 1; }`)}, patience, "passed"},
		"can gain nothing":            {[]string{write(t, dir, "nnp", `grep -q '^NoNewPrivs:.1' /proc/$$/status`)}, patience, "passed"},
		"has no capability":           {[]string{write(t, dir, "cap", `grep -c '^Cap\(Inh\|Prm\|Eff\|Bnd\|Amb\):.0*$' /proc/$$/status; exit 1`)}, patience, "exit status 1: 5"},
		"cannot look into the keeper": {[]string{write(t, dir, "peek", "cat /proc/$PPID/environ >/dev/null 2>&1 || exit 7")}, patience, "exit status 7"},
		"cannot speak for others":     {[]string{write(t, dir, "forge", "(echo '{}' >/proc/$PPID/fd/1) 2>/dev/null || exit 7")}, patience, "exit status 7"},
		"is not spared as the agent":  {[]string{write(t, dir, "oom", "[ $(cat /proc/self/oom_score_adj) = 0 ]")}, patience, "passed"},
		"has only PATH":               {[]string{write(t, dir, "env", `tr '\0' ' ' </proc/$$/environ; exit 1`)}, patience, "exit status 1: PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, runScript(t, s, tt.timeout, tt.command...)); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScriptRunsAsItsUser(t *testing.T) {
	dir := scriptFolder(t)
	who := write(t, dir, "who", "id -un; exit 1")
	want := "exit status 1: nobody"
	if !maySwitchUser() {
		want = "exit status 1: " + strings.TrimPrefix(runScript(t, newSandbox(t, dir, ""), patience, who), "exit status 1: ")
	}
	if diff := cmp.Diff(want, runScript(t, newSandbox(t, dir, "nobody"), patience, who)); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

func TestScriptIsGivenWhatItsCommandSays(t *testing.T) {
	dir := scriptFolder(t)
	path := write(t, dir, "given", `echo "$LVS_NAME $(cat)"; exit 1`)
	got := text(newSandbox(t, dir, "nobody").Run(t.Context(), Command{Line: []string{path}, Environment: []string{"LVS_NAME=web"}, Input: []byte("all of it\n")}))
	if diff := cmp.Diff("exit status 1: web all of it", got); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

// What a script does not read must not keep it from its end.
func TestScriptNeedNotReadItsInput(t *testing.T) {
	dir := scriptFolder(t)
	path := write(t, dir, "deaf", "exit 0")
	if got := text(newSandbox(t, dir, "nobody").Run(t.Context(), Command{Line: []string{path}, Input: bytes.Repeat([]byte("x"), 1<<20)})); got != "passed" {
		t.Error(got)
	}
}

func TestExitStatusCanBeTold(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	for body, want := range map[string]ExitError{
		"echo low; exit 12": {Status: 12, Line: "low"},
		"kill -KILL $$":     {Status: -1},
	} {
		err := s.Run(t.Context(), Command{Line: []string{write(t, dir, "exit", body)}})
		exit, ok := errors.AsType[*ExitError](err)
		if !ok || exit.Status != want.Status || exit.Line != want.Line {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A script's children must not outlive its run, whether it hung or came to its end.
func TestScriptLeavesNoProcessBehind(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	for name, tt := range map[string]struct {
		body    string
		timeout time.Duration
		want    string
	}{
		"hangs with a grandchild":                {`(sleep 60 & echo $! >"$1"; wait) & wait`, time.Second, "context deadline exceeded"},
		"ends before its child":                  {`sleep 60 & echo $! >"$1"`, patience, "passed"},
		"fails before its child":                 {`sleep 60 & echo $! >"$1"; exit 1`, patience, "exit status 1"},
		"ends before a child that holds no pipe": {`sleep 60 >/dev/null 2>&1 & echo $! >"$1"`, patience, "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			note := noteIn(t, dir)
			got := runScript(t, s, tt.timeout, write(t, dir, "fork", tt.body), note)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
			awaitGone(t, readPID(t, note))
		})
	}
}

// What could not start is refused before it is asked for, in the words of its runs.
func TestCheckFindsWhatCouldNotStart(t *testing.T) {
	dir := scriptFolder(t)
	s := newSandbox(t, dir, "nobody")
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	noInterpreter := filepath.Join(dir, "no-interpreter")
	if err := os.WriteFile(noInterpreter, []byte("#!/no/such/interpreter -x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	unreachable := write(t, closed, "good", "exit 0")
	why := unreachable + " cannot be executed by nobody, as whom scripts run: see the modes of the folders above it"
	if !maySwitchUser() {
		why = "passed" // it is the agent's own
	}
	for path, want := range map[string]string{
		write(t, dir, "good", "exit 0"): "passed",
		noInterpreter:                   noInterpreter + ": the interpreter in its first line does not exist on this director",
		unreachable:                     why,
	} {
		got := "passed"
		if errs := s.Check(Command{Line: []string{path}}); errs != nil {
			got = errs[0].Detail
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if run := runScript(t, s, patience, path); run != want {
			t.Errorf("%s runs: %s, want %s", path, run, want)
		}
	}
}

func TestScriptEndsWithItsContext(t *testing.T) {
	dir := scriptFolder(t)
	path := write(t, dir, "hang", "sleep 60")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(brief, func() { cancel(errors.New("the agent stops")) })
	s := newSandbox(t, dir, "nobody")
	if diff := cmp.Diff("the agent stops", text(s.Run(ctx, Command{Line: []string{path}}))); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("its time was up before it could start", text(s.Run(ctx, Command{Line: []string{path}}))); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

func TestScriptThatBecomesUnsafeRunsNoMore(t *testing.T) {
	dir := scriptFolder(t)
	path := write(t, dir, "pass", "exit 0")
	s := newSandbox(t, dir, "nobody")
	if got := runScript(t, s, patience, path); got != "passed" {
		t.Fatal(got)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s can be changed by others (mode 0777): chmod go-w %s", path, path)
	if diff := cmp.Diff(want, runScript(t, s, patience, path)); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spec.FieldErrors{{Pointer: "/command/0", Detail: want}}, s.Check(Command{Line: []string{path}})); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}

func BenchmarkScript(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "pass")
	err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	s := New(Config{Directory: dir, User: "nobody", Limits: Limits{CPUTime: spec.Duration(time.Minute), Memory: 1 << 30, Processes: 10_000}})
	if err := errors.Join(err, s.Run(b.Context(), Command{Line: []string{path}})); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Run(b.Context(), Command{Line: []string{path}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func TestOutputIsKeptInBounds(t *testing.T) {
	t.Parallel()
	var h output
	for range 10 {
		if n, err := h.Write(bytes.Repeat([]byte("\n"), 1000)); n != 1000 || err != nil {
			t.Fatalf("wrote %d bytes: %v", n, err)
		}
	}
	if h.kept.Len() != maxOutput {
		t.Errorf("kept %d bytes, want %d", h.kept.Len(), maxOutput)
	}
}

// noteIn returns an empty file that a script can write to.
func noteIn(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "note")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o666), f.Close()); err != nil { // whatever the umask: the script's user writes it
		t.Fatal(err)
	}
	return f.Name()
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatalf("the script did not say which process it started: %v", err)
	}
	return pid
}

// awaitGone waits until a process is dead; whether somebody has waited for it does not matter.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if _, state, ok := strings.Cut(string(stat), ") "); ok && strings.HasPrefix(state, "Z") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there: %s", pid, stat)
		}
	}
}
