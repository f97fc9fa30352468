package crashtest

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/failpoint"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// kills is how often the agent is ended, over all points. A few for every run of the tests, many in `make crash`.
var kills = flag.Int("kills", 25, "how often the agent is ended")

const (
	// writers write at the same time, each to servers of its own.
	writers = 3
	// serversEach is how many servers a writer has.
	serversEach = 4
)

// weights is what a service has, by server: what was acknowledged, or what is.
type weights map[string]int

// writer changes its servers one after another, until nobody answers.
type writer struct {
	acknowledged weights
	// unanswered is the change that nobody answered: the server, and its weight or -1 when it was deleted.
	unanswered string
	weight     int
}

func TestWhatWasAcknowledgedSurvivesACrashAtEveryPoint(t *testing.T) {
	dir := t.TempDir()
	trigger := filepath.Join(dir, "failpoint")
	t.Setenv(failpoint.Variable, trigger)
	d := install(t, dir)
	start(t, d)
	putService(t, d)

	var all [writers]*writer
	for i := range all {
		all[i] = &writer{acknowledged: weights{}}
	}
	random := rand.New(rand.NewPCG(7, 11))
	ended, whole := map[failpoint.Point]int{}, 0
	for n := range *kills {
		point := failpoint.Points()[n%len(failpoint.Points())]
		warmUp := random.IntN(4)
		var writing sync.WaitGroup
		for i, w := range all {
			own := rand.New(rand.NewPCG(uint64(n), uint64(i)))
			writing.Go(func() {
				for count := 0; w.step(t, d, i, own); count++ {
					if count == warmUp && i == 0 {
						arm(t, trigger, point)
					}
				}
			})
		}
		writing.Wait()
		if t.Failed() {
			t.Fatalf("the agent's log:\n%s", d.Log())
		}
		ended[point]++
		if err := errors.Join(os.Remove(trigger), d.Kill()); err != nil {
			t.Fatal(err)
		}

		start(t, d)
		there := onDisk(t, d)
		for i, w := range all {
			if w.settle(t, i, there) {
				whole++
			}
		}
		if diff := cmp.Diff(there, inKernel(t, d)); diff != "" {
			t.Fatalf("after the end at %q the kernel has something else (-disk +kernel):\n%s", point, diff)
		}
		if t.Failed() {
			t.Fatalf("after the end at %q, the %dth; the agent's log:\n%s", point, n+1, d.Log())
		}
	}
	t.Logf("ended %d times: %v; of the changes that nobody answered %d were there", *kills, ended, whole)
}

// arm has the agent end at a point. The file is there as a whole at once.
func arm(t *testing.T, trigger string, point failpoint.Point) {
	if err := errors.Join(os.WriteFile(trigger+".new", []byte(point), 0o600), os.Rename(trigger+".new", trigger)); err != nil {
		t.Error(err)
	}
}

// step makes one change and reports whether it was answered.
func (w *writer) step(t *testing.T, d *lab.Director, number int, random *rand.Rand) bool {
	server := fmt.Sprintf("192.0.2.%d:80", 20+number*serversEach+random.IntN(serversEach))
	path := "/v1/virtual-servers/web/real-servers/" + server
	weight, method, body := 1+random.IntN(1000), http.MethodPut, ""
	if random.IntN(4) == 0 {
		weight, method, path = -1, http.MethodDelete, path+"?drain=0s"
	} else {
		body = fmt.Sprintf(`{"weight":%d}`, weight)
	}
	status, answer, err := d.Call(t.Context(), method, path, body)
	switch {
	case err != nil:
		w.unanswered, w.weight = server, weight
		return false
	case status >= 300:
		t.Errorf("%s %s answered %d: %s", method, path, status, answer)
		return false
	}
	w.acknowledged.set(server, weight)
	return true
}

func (w weights) set(server string, weight int) {
	if weight < 0 {
		delete(w, server)
		return
	}
	w[server] = weight
}

// settle compares a writer's servers with what is there, and reports whether the change that nobody answered is.
func (w *writer) settle(t *testing.T, number int, there weights) (whole bool) {
	mine := weights{}
	for n := range serversEach {
		server := fmt.Sprintf("192.0.2.%d:80", 20+number*serversEach+n)
		if weight, ok := there[server]; ok {
			mine[server] = weight
		}
	}
	with := maps.Clone(w.acknowledged)
	with.set(w.unanswered, w.weight)
	switch {
	case maps.Equal(mine, with):
		whole = true
	case !maps.Equal(mine, w.acknowledged):
		t.Errorf("writer %d: %s", number, cmp.Diff(w.acknowledged, mine))
		t.Errorf("the change that nobody answered: %s to %d", w.unanswered, w.weight)
	}
	w.acknowledged, w.unanswered = mine, ""
	return whole
}

func onDisk(t *testing.T, d *lab.Director) weights {
	t.Helper()
	status, answer, err := d.Call(t.Context(), http.MethodGet, "/v1/snapshot", "")
	if err != nil || status != http.StatusOK {
		t.Fatal(status, answer, err)
	}
	var s spec.Snapshot
	if err := spec.DecodeAnswer(strings.NewReader(answer), &s); err != nil {
		t.Fatal(err)
	}
	w := weights{}
	for server, object := range s.VirtualServers["web"].RealServers {
		w[server] = object.Spec.Weight
	}
	return w
}

// inKernel reads the table with ipvsadm.
func inKernel(t *testing.T, d *lab.Director) weights {
	t.Helper()
	text, err := d.Host.Output(t.Context(), "ipvsadm", "-Sn")
	if err != nil {
		t.Fatal(err)
	}
	w := weights{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if at := slices.Index(words, "-r"); at > 0 {
			weight := 0
			if _, err := fmt.Sscan(words[len(words)-1], &weight); err != nil {
				t.Fatal(err)
			}
			w[words[at+1]] = weight
		}
	}
	return w
}
