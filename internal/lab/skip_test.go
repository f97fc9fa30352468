package lab

import (
	"bytes"
	"strings"
	"testing"
)

type noTests struct{ t *testing.T }

func (n noTests) Run() int {
	n.t.Error("tests run without what they need")
	return 0
}

func TestWithoutPackagesAllIsSkippedUnlessRequired(t *testing.T) {
	if HasIPVS() || raceDetector {
		return // nothing is missing, or nothing can be done about it
	}
	t.Setenv("PATH", "/nowhere")
	for _, c := range []struct {
		required   string
		wantStatus int
	}{
		{required: "", wantStatus: 0},
		{required: "1", wantStatus: 1},
	} {
		t.Setenv("LVS_LAB_REQUIRED", c.required)
		var output bytes.Buffer
		if status := runTests(noTests{t}, &output, []Need{NeedIPVS}); status != c.wantStatus {
			t.Errorf("LVS_LAB_REQUIRED=%q: exit status %d, want %d", c.required, status, c.wantStatus)
		}
		for _, want := range []string{"--- SKIP", "apt-get install", "user-mode-linux"} {
			if !strings.Contains(output.String(), want) {
				t.Errorf("LVS_LAB_REQUIRED=%q: output %q does not say %q", c.required, &output, want)
			}
		}
	}
}

func TestOnlyNamespacesOfALabAreItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "d1", "lvslab", "lvslab-1", "lvslab-1-2", "lvslab-x-2-a", "lvslab-1-x-a", "other-1-2-a"} {
		if network, _, ok := networkOf(name); ok {
			t.Errorf("%q is taken for a namespace of %s", name, network)
		}
	}
	network, pid, ok := networkOf(networkName(17, 3) + "-rs-1")
	if network != networkName(17, 3) || pid != 17 || !ok {
		t.Errorf("of network %q and process %d (%v), want the third of process 17", network, pid, ok)
	}
}
