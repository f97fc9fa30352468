package sandbox

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func TestScriptThatTakesTooMuchIsToldSo(t *testing.T) {
	dir := scriptFolder(t)
	limits := Limits{CPUTime: spec.Duration(time.Second), Memory: 64 << 20, Processes: 10_000}
	few := limits
	few.Processes = 60
	file := noteIn(t, dir)
	for name, tt := range map[string]struct{ body, want string }{
		"processor time":              {"while :; do :; done", "signal: CPU time limit exceeded (used more processor time than the 1s of scripts.cpu_time)"},
		"processor time of its child": {"sh -c 'while :; do :; done'", "exit status 152: CPU time limit exceeded (used more processor time than the 1s of scripts.cpu_time)"},
		"memory":                      {"head -c 200000000 /dev/zero | tail -n 1 >/dev/null", "exit status 1: tail: memory exhausted (scripts.memory allows 64 MiB)"},
		"processes":                   {`i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done`, "exit status 2: SCRIPT: 0: Cannot fork (scripts.processes allows 60 to all scripts together)"},
		"a file":                      {"exec dd if=/dev/zero of=" + file + " bs=1 count=1 seek=2000000000 2>/dev/null", "signal: file size limit exceeded (wrote a file of more than 1024 MiB)"},
		"descriptors":                 {`[ "$(ulimit -n)" = 1024 ] || ulimit -n`, "passed"},
		"a core file":                 {`[ "$(ulimit -c)" = 0 ]`, "passed"},
		"more than it may":            {`while [ "$(ulimit -t)" = unlimited ]; do :; done; (ulimit -t 100) 2>/dev/null || exit 7`, "exit status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, dir, "script", tt.body)
			l := limits
			if name == "processes" {
				l = few // of others, too, where this is no root
			}
			s := limited(t, dir, "nobody", l)
			got := strings.ReplaceAll(runScript(t, s, patience, path), path, "SCRIPT")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A fork bomb ends with its script, and what runs scripts survives it.
func TestForkBombEnds(t *testing.T) {
	dir := scriptFolder(t)
	s := limited(t, dir, "nobody", Limits{CPUTime: spec.Duration(time.Minute), Memory: 1 << 30, Processes: 300})
	bomb := write(t, dir, "bomb", `"$0" & setsid "$0" & "$0"`)
	if diff := cmp.Diff("context deadline exceeded", runScript(t, s, 2*time.Second, bomb)); diff != "" {
		t.Logf("(-want +got):\n%s", diff) // or it could not fork
	}
	await(t, "no process of the bomb is left", func() bool {
		found := 0
		processes, _ := os.ReadDir("/proc")
		for _, p := range processes {
			if line, _ := os.ReadFile("/proc/" + p.Name() + "/cmdline"); strings.Contains(string(line), bomb) {
				found++
			}
		}
		return found == 0
	})
	if got := runScript(t, s, patience, write(t, dir, "pass", "exit 0")); got != "passed" {
		t.Errorf("the next script: %s", got)
	}
}

// The agent's service is no root: its programs must be held as well by the few capabilities that it has.
func TestAgentThatIsNoRootHoldsItsScriptsAsWell(t *testing.T) {
	if os.Geteuid() != 0 {
		return // then all tests here say it, of an agent that has no capabilities either
	}
	const score = "/proc/self/oom_score_adj"
	was, err := os.ReadFile(score)
	if err == nil {
		err = os.WriteFile(score, []byte("100"), 0) // OOMScoreAdjust= of the service sets it, to what takes a right
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(score, was, 0); err != nil {
			t.Error(err)
		}
	})
	const tests = "^(TestScriptResults|TestScriptRunsAsItsUser|TestNothingOfAScript.*|TestScriptThatTakesTooMuch.*)$"
	cmd := service(t, "-test.run", tests)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}
