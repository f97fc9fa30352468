package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// fakeProber answers as it is told, and keeps a record of when it was asked.
type fakeProber struct {
	begin time.Time

	mu      sync.Mutex
	answer  map[string]error         // by target; a target that is not here passes
	takes   map[string]time.Duration // how long the answer takes
	deaf    map[string]bool          // does not heed the context
	asked   map[string][]time.Duration
	now     map[string]context.Context // probes under way
	overlap []string                   // targets that were probed twice at a time
}

func newFakeProber() *fakeProber {
	return &fakeProber{
		begin: time.Now(), answer: map[string]error{}, takes: map[string]time.Duration{}, deaf: map[string]bool{},
		asked: map[string][]time.Duration{}, now: map[string]context.Context{},
	}
}

func (f *fakeProber) Server(ctx context.Context, check ServerCheck) error {
	return f.probe(ctx, check.Server.String())
}

func (f *fakeProber) Script(ctx context.Context, script spec.CheckScript) error {
	return f.probe(ctx, script.Command[0])
}

func (f *fakeProber) probe(ctx context.Context, target string) error {
	f.mu.Lock()
	f.asked[target] = append(f.asked[target], time.Since(f.begin))
	if other := f.now[target]; other != nil && other.Err() == nil {
		f.overlap = append(f.overlap, target)
	}
	f.now[target] = ctx
	takes, deaf := f.takes[target], f.deaf[target]
	f.mu.Unlock()
	var cut error
	if deaf {
		time.Sleep(takes)
	} else {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			cut = context.Cause(ctx)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now[target] == ctx {
		delete(f.now, target)
	}
	if cut != nil {
		return cut
	}
	return f.answer[target]
}

// set says how a target answers from now on.
func (f *fakeProber) set(target string, answer error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer[target] = answer
}

// slow says how long a target takes to answer from now on, and that it heeds the timeout.
func (f *fakeProber) slow(target string, takes time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.takes[target], f.deaf[target] = takes, false
}

// deafen says how long a target takes to answer from now on, whatever the timeout.
func (f *fakeProber) deafen(target string, takes time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.takes[target], f.deaf[target] = takes, true
}

// times returns when a target was probed, since the test's beginning, and forgets it.
func (f *fakeProber) times(target string) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer delete(f.asked, target)
	return f.asked[target]
}

// bench is a Checker at work on a fake prober, inside a synctest bubble.
type bench struct {
	*Checker
	t       *testing.T
	prober  *fakeProber
	changes *int
	log     *bytes.Buffer
	events  *event.Log
	places  *places
}

// fakeStarter begins all that the prober does of servers.
type fakeStarter struct {
	Starter
	prober *fakeProber
}

func (f fakeStarter) Start(check ServerCheck, over func(time.Time, error)) (end func(error), ok bool) {
	ctx, end := context.WithCancelCause(context.Background())
	go func() {
		err := f.prober.Server(ctx, check)
		over(time.Now(), err)
	}()
	return end, true
}

// onBench runs a test in a bubble, in which a Checker runs that was told to check d: once with a goroutine for each
// round, and once with rounds that are started.
func onBench(t *testing.T, d spec.Desired, test func(bench)) {
	t.Helper()
	t.Run("probed", func(t *testing.T) {
		t.Parallel()
		onOneBench(t, d, func(*fakeProber) Starter { return nil }, test)
	})
	t.Run("started", func(t *testing.T) {
		t.Parallel()
		onOneBench(t, d, func(p *fakeProber) Starter {
			return fakeStarter{unstarted{woken: make(chan struct{}, 1)}, p}
		}, test)
	})
}

func onOneBench(t *testing.T, d spec.Desired, starter func(*fakeProber) Starter, test func(bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := bench{t: t, prober: newFakeProber(), changes: new(int), log: new(bytes.Buffer), events: event.New(event.Capacity, 0), places: &places{}}
		var mu sync.Mutex
		b.Checker = New(Config{
			Prober:   b.prober,
			Starter:  starter(b.prober),
			Log:      slog.New(slog.NewTextHandler(b.log, nil)),
			Publish:  b.events.Publish,
			Jitter:   evenly,
			Presence: b.places,
			Changed: func(...string) {
				mu.Lock()
				defer mu.Unlock()
				*b.changes++
			},
		})
		b.Set(d)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		test(b)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if b.prober.overlap != nil {
			t.Errorf("probed twice at a time: %v", b.prober.overlap)
		}
	})
}

// evenly has a check's second round come one interval after the first.
func evenly() float64 { return 0.5 }

// pass lets time pass, to just after what is due at its end.
func (b bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b bench) wantServer(key spec.ServerKey, v Verdict, reason string) {
	b.t.Helper()
	gotVerdict, gotReason := b.Server(key)
	if gotVerdict != v || gotReason != reason {
		b.t.Errorf("%s is %s (%q), want %s (%q)", key, gotVerdict, gotReason, v, reason)
	}
}

func (b bench) wantScript(name string, passing, known bool) {
	b.t.Helper()
	gotPassing, gotKnown := b.Script(name)
	if gotPassing != passing || gotKnown != known {
		b.t.Errorf("script %s: passing %t, known %t, want %t and %t", name, gotPassing, gotKnown, passing, known)
	}
}

func (b bench) wantTimes(target string, want ...time.Duration) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.prober.times(target)); diff != "" {
		b.t.Errorf("times at which %s was probed (-want +got):\n%s", target, diff)
	}
}

// cluster is a service "web" with a TCP check each second and its servers.
func cluster(servers ...string) spec.Desired {
	d := spec.Desired{}.Clone()
	check := spec.HealthCheck{
		Interval: spec.Duration(time.Second), Timeout: spec.Duration(time.Second), Rise: 2, Fall: 3,
		TCP: &spec.TCPCheck{},
	}
	d.VirtualServers["web"] = spec.VirtualServer{HealthCheck: &check}
	for _, s := range servers {
		d.RealServers.Put(key(s), spec.DefaultRealServer())
	}
	return d
}

// checked returns the state with another health check of its service.
func checked(d spec.Desired, change func(*spec.HealthCheck)) spec.Desired {
	d = d.Clone()
	service := d.VirtualServers["web"]
	check := *service.HealthCheck
	change(&check)
	service.HealthCheck = &check
	d.VirtualServers["web"] = service
	return d
}

// scripted returns the state with a check script that runs each second.
func scripted(d spec.Desired, name string) spec.Desired {
	d = d.Clone()
	d.CheckScripts[name] = spec.CheckScript{
		Command: []string{"/" + name}, Interval: spec.Duration(time.Second), Timeout: spec.Duration(time.Second), Rise: 2, Fall: 2,
	}
	return d
}

// tracking returns the state with an instance that tracks a script.
func tracking(d spec.Desired, name string) spec.Desired {
	d = d.Clone()
	d.VRRPInstances["vi"] = spec.VRRPInstance{TrackScripts: map[string]spec.Track{name: {}}}
	return d
}

func without(d spec.Desired, name string) spec.Desired {
	d = d.Clone()
	delete(d.CheckScripts, name)
	return d
}

var errRefused = errors.New("connection refused")

const (
	one   = "192.0.2.21:80"
	two   = "192.0.2.22:80"
	ofOne = "web/" + one
	ofTwo = "web/" + two
)

func TestServerIsUnknownUntilItsFirstResult(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow(ofOne, 100*time.Millisecond)
		b.Set(cluster(one))
		b.pass(50 * time.Millisecond)
		b.wantServer(key(one), Unknown, "not checked yet")
		b.pass(50 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		b.wantServer(key(two), Unknown, "not checked yet") // nobody knows it
	})
}

// One lost packet does not take out a server that was in before.
func TestServerThatHasNeverPassedIsSuspectBeforeItFails(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.set(ofOne, errRefused)
		b.Set(cluster(one))
		b.pass(1500 * time.Millisecond)
		b.wantServer(key(one), Suspect, "connection refused")
		b.pass(time.Second)
		b.wantServer(key(one), Failing, "connection refused")
	})
}

// A server may be checked in a way of its own.
func TestServersOwnHealthCheckIsTheOneThatCounts(t *testing.T) {
	t.Parallel()
	d := cluster(one, two)
	check := *d.VirtualServers["web"].HealthCheck
	check.Interval = spec.Duration(3 * time.Second)
	d.RealServers.Put(key(two), spec.RealServer{HealthCheck: &check})
	onBench(t, d, func(b bench) {
		b.pass(3500 * time.Millisecond)
		b.wantTimes(ofOne, 0, time.Second, 2*time.Second, 3*time.Second)
		b.wantTimes(ofTwo, 10*time.Millisecond, 3010*time.Millisecond)
	})
}

func TestServerFollowsRiseAndFall(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		b.prober.set(ofOne, errRefused)
		b.pass(2 * time.Second)
		b.wantServer(key(one), Passing, "connection refused") // it complains, but is not out yet
		b.pass(time.Second)
		b.wantServer(key(one), Failing, "connection refused")
		b.prober.set(ofOne, nil)
		b.pass(time.Second)
		b.wantServer(key(one), Failing, "connection refused") // why it is still out
		b.pass(time.Second)
		b.wantServer(key(one), Passing, "")
		if *b.changes != 3 {
			b.t.Errorf("Changed was called %d times, want 3", *b.changes)
		}
	})
}

func TestOnlyChangesOfVerdictAreLogged(t *testing.T) {
	t.Parallel()
	onBench(t, scripted(cluster(one), "xyz"), func(b bench) {
		b.pass(1500 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		b.pass(10 * time.Second)
		var got []string
		for line := range strings.Lines(b.log.String()) {
			_, rest, _ := strings.Cut(line, " level=")
			got = append(got, strings.TrimSpace(rest))
		}
		want := []string{
			`INFO msg="verdict changed" check=xyz verdict=passing reason=""`,
			`INFO msg="verdict changed" service=web server=192.0.2.21:80 verdict=passing reason=""`,
			`INFO msg="verdict changed" service=web server=192.0.2.21:80 verdict=failing reason="connection refused"`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestRoundsKeepTheirRhythm(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow(ofOne, 700*time.Millisecond)
		b.Set(cluster(one, two))
		b.pass(2500 * time.Millisecond)
		// From start to start, however long each takes; the second target a step later than the first.
		b.wantTimes(ofOne, 0, time.Second, 2*time.Second)
		b.wantTimes(ofTwo, 10*time.Millisecond, 1010*time.Millisecond, 2010*time.Millisecond)
	})
}

func TestSlowServerDelaysNoOther(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow(ofOne, time.Hour)
		b.Set(cluster(one, two))
		b.pass(3500 * time.Millisecond)
		b.wantServer(key(one), Failing, "no answer within 1s")
		b.wantServer(key(two), Passing, "")
		b.wantTimes(ofTwo, 10*time.Millisecond, 1010*time.Millisecond, 2010*time.Millisecond, 3010*time.Millisecond)
	})
}

func TestProbeThatIgnoresItsTimeoutFails(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.prober.deafen(ofOne, 20*time.Second)
		b.pass(2500 * time.Millisecond) // begun at 1 s, late at 3 s
		b.wantServer(key(one), Passing, errStuck.Error())
		b.pass(2 * time.Second)
		b.wantServer(key(one), Failing, errStuck.Error())
		b.wantTimes(ofOne, 0, time.Second) // and it is not begun again meanwhile
		b.prober.slow(ofOne, 0)
		b.pass(16500 * time.Millisecond)
		// It came home after 21 s; the rounds it missed are not made up for.
		b.wantTimes(ofOne, 21*time.Second)
		if m := b.Metrics(); m.Stuck != 1 || m.Skipped != 19 || m.UnderWay != 0 {
			b.t.Errorf("counted: %+v", m)
		}
	})
}

func TestOneRoundThatIsLateIsOneFailure(t *testing.T) {
	t.Parallel()
	d := checked(cluster(one), func(v *spec.HealthCheck) { v.Fall = 2 })
	onBench(t, d, func(b bench) {
		b.pass(500 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		b.prober.deafen(ofOne, 2500*time.Millisecond)
		b.pass(time.Second) // begun at 1 s, late at 3 s, home at 3.5 s
		b.prober.deafen(ofOne, 0)
		b.pass(2200 * time.Millisecond)
		b.wantServer(key(one), Passing, errStuck.Error())
		b.prober.set(ofOne, nil)
		b.pass(2 * time.Second)
		b.wantServer(key(one), Passing, "")
	})
}

func TestFirstChecksAreSpreadOverASecondUnlessTheyAreVeryMany(t *testing.T) {
	t.Parallel()
	for n, step := range map[int]time.Duration{400: 2500 * time.Microsecond, 2000: 2 * time.Millisecond} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			var servers []string
			for i := range n {
				servers = append(servers, fmt.Sprintf("192.0.2.%d:%d", i%200+1, 80+i/200))
			}
			rarely := func(v *spec.HealthCheck) { v.Interval = spec.Duration(time.Minute) }
			onBench(t, checked(cluster(servers...), rarely), func(b bench) {
				b.pass(time.Duration(n) * step)
				var first []time.Duration
				for _, s := range servers {
					first = append(first, b.prober.times("web/"+s)...)
				}
				slices.Sort(first)
				if len(first) != n || first[0] != 0 {
					b.t.Fatalf("%d targets were probed, the first after %s", len(first), first[0])
				}
				for i, at := range first {
					if due := time.Duration(i) * step; at > due || at < due-together {
						b.t.Fatalf("probe %d begins at %s, and is due at %s", i, at, due)
					}
				}
			})
		})
	}
}

func TestLaterChecksAreSpreadOverTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var servers []string
		for i := range 100 {
			servers = append(servers, fmt.Sprintf("192.0.2.%d:80", i+1))
		}
		prober := newFakeProber()
		next := 0.0
		c := New(Config{Prober: prober, Jitter: func() float64 { next += 0.01; return next - 0.01 }})
		c.Set(checked(cluster(servers...), func(v *spec.HealthCheck) { v.Interval = spec.Duration(time.Minute) }))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+30*time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		perPart := make([]int, 6) // of an interval
		for _, s := range servers {
			times := prober.times("web/" + s)
			for i, at := range times {
				switch {
				case i == 0 && at > time.Second:
					t.Errorf("%s is first checked after %s", s, at)
				case i == 1 && (at < 30*time.Second || at > 91*time.Second):
					t.Errorf("%s is checked again after %s", s, at)
				case i > 1 && (at-times[i-1]-time.Minute).Abs() > together:
					t.Errorf("%s is checked %s after the time before", s, at-times[i-1])
				}
			}
			perPart[int(times[len(times)-1]/(10*time.Second))%6]++
		}
		for i, n := range perPart {
			if n < 10 || n > 24 {
				t.Errorf("%d of 100 checks fall into sixth %d of the interval", n, i+1)
			}
		}
	})
}

func TestSetLeavesAloneWhatIsAsItWas(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		for range 5 {
			b.pass(500 * time.Millisecond)
			b.Set(checked(cluster(one, two), func(*spec.HealthCheck) {})) // equal, and no pointer the same
		}
		b.pass(250 * time.Millisecond) // 3.25 s
		b.wantTimes(ofOne, 0, time.Second, 2*time.Second, 3*time.Second)
		b.wantServer(key(one), Failing, "connection refused") // the third failure in a row
		b.wantTimes(ofTwo, time.Second, 2*time.Second, 3*time.Second)
	})
}

func TestRedefinedCheckKeepsItsVerdictUntilItsOwnResultsDecide(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		b.prober.slow(ofOne, 100*time.Millisecond)
		b.Set(checked(cluster(one), func(v *spec.HealthCheck) { v.Interval = spec.Duration(5 * time.Second) }))
		b.pass(50 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		b.pass(5 * time.Second)
		b.wantServer(key(one), Passing, "connection refused")
		b.wantTimes(ofOne, 0, 500*time.Millisecond, 5500*time.Millisecond)
		b.pass(5100 * time.Millisecond)
		b.wantServer(key(one), Failing, "connection refused") // the third
	})
}

// A round that is under way when the check is redefined is the old check's: it is ended, and counts no more.
func TestRedefinedCheckForgetsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.set(ofOne, errRefused)
		b.prober.slow(ofOne, 200*time.Millisecond)
		b.Set(cluster(one))
		b.pass(100 * time.Millisecond)
		b.Set(checked(cluster(one), func(v *spec.HealthCheck) { v.Interval = spec.Duration(5 * time.Second) }))
		b.pass(150 * time.Millisecond) // the old round would be over
		b.wantServer(key(one), Unknown, "not checked yet")
		b.wantTimes(ofOne, 0, 100*time.Millisecond)
		b.pass(100 * time.Millisecond)
		b.wantServer(key(one), Suspect, "connection refused")
	})
}

// How results are counted is no matter of the rounds.
func TestRoundsGoOnWhenOnlyTheCountingChanges(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		b.Set(checked(cluster(one), func(v *spec.HealthCheck) { v.Fall = 2 }))
		b.wantServer(key(one), Passing, "")
		b.pass(2 * time.Second)
		b.wantServer(key(one), Failing, "connection refused")
		b.wantTimes(ofOne, 0, time.Second, 2*time.Second)
	})
}

func TestServerWithoutHealthCheckPasses(t *testing.T) {
	t.Parallel()
	bare := cluster(one)
	bare.VirtualServers["web"] = spec.VirtualServer{}
	onBench(t, bare, func(b bench) {
		b.pass(10 * time.Second)
		b.wantServer(key(one), Passing, "")
		b.wantTimes(ofOne)

		b.prober.set(ofOne, errRefused)
		b.prober.slow(ofOne, 100*time.Millisecond)
		b.Set(cluster(one)) // it gets a check, and stays in until that has said something
		b.pass(50 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
		b.pass(time.Second)
		b.wantServer(key(one), Passing, "connection refused") // and for as many failures as it takes
		b.pass(2 * time.Second)
		b.wantServer(key(one), Failing, "connection refused")

		b.Set(bare) // it loses it, and is in at once
		b.wantServer(key(one), Passing, "")
		b.pass(10 * time.Second)
		b.wantServer(key(one), Passing, "")
	})
}

func TestDeletedServerIsForgotten(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one, two), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.Set(cluster(two))
		b.wantServer(key(one), Unknown, "not checked yet")
		b.pass(5 * time.Second)
		b.wantTimes(ofOne, 0)
		b.Set(cluster(one, two))
		b.wantServer(key(one), Unknown, "not checked yet")
		b.pass(100 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
	})
}

func TestServerOfADeletedServiceIsForgotten(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		orphaned := cluster(one)
		delete(orphaned.VirtualServers, "web")
		b.Set(orphaned)
		b.wantServer(key(one), Unknown, "not checked yet")
	})
}

func TestOnlyVerdictsOnScriptsAreToldAsEvents(t *testing.T) {
	t.Parallel()
	onBench(t, scripted(cluster("192.0.2.21:80"), "gateway"), func(b bench) {
		b.pass(2 * time.Second)
		b.prober.set("/gateway", errors.New("exit status 1"))
		b.prober.set("192.0.2.21:80", errors.New("connection refused"))
		b.pass(time.Minute)
		var got []string
		events, _, _ := b.events.Read(0)
		for _, e := range events {
			got = append(got, fmt.Sprintf("%s %s %s: %q -> %q: %s", e.Type, e.Kind, e.Name, e.State.From, e.State.To, e.Reason))
		}
		want := []string{
			`state_changed check script gateway: "" -> "passing": `,
			`state_changed check script gateway: "passing" -> "failing": exit status 1`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestScriptVerdict(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow("/gateway", 100*time.Millisecond)
		b.Set(scripted(spec.Desired{}, "gateway"))
		b.pass(50 * time.Millisecond)
		b.wantScript("gateway", false, false)
		b.wantScript("none", false, false)
		want := map[string]spec.CheckScriptStatus{"gateway": {CheckScriptState: spec.CheckScriptState{Reason: "not checked yet"}, Check: spec.CheckFacts{PassesNeeded: 2}}}
		if diff := cmp.Diff(want, b.Scripts()); diff != "" {
			b.t.Errorf("scripts (-want +got):\n%s", diff)
		}
		b.pass(500 * time.Millisecond)
		b.wantScript("gateway", true, true)
		b.prober.set("/gateway", errors.New("exit status 1"))
		b.pass(2 * time.Second)
		at := time.Now().Add(-450 * time.Millisecond)
		b.wantScript("gateway", false, true)
		want = map[string]spec.CheckScriptStatus{"gateway": {
			CheckScriptState: spec.CheckScriptState{Reason: "exit status 1"}, Runs: 3, Failures: 2,
			Check: spec.CheckFacts{Reason: "exit status 1", At: at, Latency: spec.Duration(100 * time.Millisecond), Changed: at, Flaps: 1, PassesNeeded: 2},
		}}
		if diff := cmp.Diff(want, b.Scripts()); diff != "" {
			b.t.Errorf("scripts (-want +got):\n%s", diff)
		}
	})
}

func TestOtherTextOfAScriptIsAnotherCheck(t *testing.T) {
	t.Parallel()
	of := func(content string) *plan {
		return newPlanner(spec.Desired{CheckScripts: map[string]spec.CheckScript{"gateway": {Content: content}}}).script("gateway")
	}
	if of("#!/bin/sh\n").equal(of("#!/bin/sh\nexit 1\n")) {
		t.Error("the new text would not be run")
	}
	if !of("#!/bin/sh\n").equal(of("#!/bin/sh\n")) {
		t.Error("the same text begins anew")
	}
}

// Terraform deletes a script before the instance that tracks it changes, in one apply.
func TestDeletedScriptThatIsTrackedHoldsItsVerdict(t *testing.T) {
	t.Parallel()
	all := tracking(scripted(spec.Desired{}, "gateway"), "gateway")
	onBench(t, all, func(b bench) {
		b.pass(500 * time.Millisecond)
		b.wantScript("gateway", true, true)
		b.prober.times("/gateway")
		b.prober.set("/gateway", errRefused)
		for range 2 {
			b.Set(without(all, "gateway"))
			b.pass(5 * time.Second)
			b.wantScript("gateway", true, true)
			b.wantTimes("/gateway")
			want := `check script "gateway" is missing: its last verdict is held`
			if diff := cmp.Diff(want, b.Scripts()["gateway"].Reason); diff != "" {
				b.t.Errorf("reason (-want +got):\n%s", diff)
			}
		}
		b.Set(all) // it is back: its first result decides
		b.wantScript("gateway", true, true)
		b.pass(100 * time.Millisecond)
		b.wantScript("gateway", false, true)

		b.Set(spec.Desired{}) // nobody tracks it any more
		b.wantScript("gateway", false, false)
		if got := b.Scripts(); len(got) != 0 {
			b.t.Errorf("scripts: %v", got)
		}
	})
}

func TestDeletedScriptOfAHealthCheckHoldsTheServersThatPass(t *testing.T) {
	t.Parallel()
	const held = `check script "db" is missing: its last verdict is held`
	byScript := scripted(checked(cluster(one, two), func(v *spec.HealthCheck) {
		v.TCP, v.Script = nil, &spec.ScriptCheck{Name: "db"}
	}), "db")
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.set(ofTwo, errRefused)
		b.Set(byScript)
		b.pass(500 * time.Millisecond)
		b.Set(without(byScript, "db"))
		b.pass(10 * time.Second)
		b.wantServer(key(one), Passing, held)
		b.wantServer(key(two), Failing, "connection refused")
		b.Set(cluster(one, two)) // the reference is gone, too: another check
		b.pass(500 * time.Millisecond)
		b.wantServer(key(one), Passing, "")
	})
}

func TestHealthCheckWhoseScriptIsGoneStillProbesTheRest(t *testing.T) {
	t.Parallel()
	byBoth := scripted(checked(cluster(one), func(v *spec.HealthCheck) {
		v.Script = &spec.ScriptCheck{Name: "db"}
	}), "db")
	onBench(t, byBoth, func(b bench) {
		b.pass(500 * time.Millisecond)
		b.Set(without(byBoth, "db"))
		b.pass(100 * time.Millisecond)
		b.prober.set(ofOne, errRefused)
		b.pass(5 * time.Second)
		if v, _ := b.Server(key(one)); v != Failing {
			b.t.Errorf("the server is %s, though it refuses connections", v)
		}
	})
}

func TestTargetsMayBeSetWhileVerdictsChange(t *testing.T) {
	t.Parallel()
	// Changed asks for verdicts, and Set comes from another goroutine: neither may wait for the other.
	synctest.Test(t, func(t *testing.T) {
		prober := newFakeProber()
		var c *Checker
		c = New(Config{Prober: prober, Changed: func(...string) {
			_, _ = c.Server(key(one))
			_ = c.Scripts()
		}})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { _ = c.Run(ctx) })
		for i := range 100 {
			if i%2 == 0 {
				c.Set(scripted(cluster(one, two), "gateway"))
			} else {
				c.Set(cluster(two))
			}
			prober.set(ofOne, map[bool]error{true: errRefused}[i%3 == 0])
			time.Sleep(7 * time.Millisecond)
		}
		cancel()
		done.Wait()
		if prober.overlap != nil {
			t.Errorf("probed twice at a time: %v", prober.overlap)
		}
	})
}

func TestRunEndsThoughAProbeDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prober := newFakeProber()
		prober.deafen(ofOne, time.Hour)
		c := New(Config{Prober: prober})
		c.Set(cluster(one))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 500*time.Millisecond+stuckGrace {
			t.Errorf("Run took %s to end", took)
		}
		time.Sleep(time.Hour) // for the probe
	})
}

func TestAssumeFindsEverythingWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Prober: Assume{}})
		c.Set(scripted(checked(cluster(one), func(v *spec.HealthCheck) {
			v.Script = &spec.ScriptCheck{Name: "not-there"}
		}), "gateway"))
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { _ = c.Run(ctx) })
		time.Sleep(time.Second)
		synctest.Wait()
		if v, reason := c.Server(key(one)); v != Passing {
			t.Errorf("the server is %s: %s", v, reason)
		}
		if passing, known := c.Script("gateway"); !passing || !known {
			t.Errorf("the script: passing %t, known %t", passing, known)
		}
		cancel()
		done.Wait()
	})
}

func TestSetLooksForChangesWhereItIsTold(t *testing.T) {
	t.Parallel()
	other := spec.ServerKey{VirtualServer: "mail", Address: key(one).Address}
	both := cluster(one, two)
	both.VirtualServers["mail"] = both.VirtualServers[key(one).VirtualServer]
	both.RealServers.Put(other, spec.RealServer{Weight: 1})
	onBench(t, both, func(b bench) {
		b.pass(5 * time.Second)
		b.Set(cluster(one), key(one).VirtualServer)
		b.wantServer(key(one), Passing, "")
		b.wantServer(key(two), Unknown, notYet)
		b.wantServer(other, Passing, "")
		b.Set(cluster(one), "mail")
		b.wantServer(other, Unknown, notYet)
	})
}

func TestChangedSaysWhoseVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		c := New(Config{Prober: newFakeProber(), Changed: func(services ...string) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprint(services))
		}})
		c.Set(scripted(cluster(one), "gateway"))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"[]", "[web]"}, got); diff != "" {
			t.Errorf("Changed (-want +got):\n%s", diff)
		}
	})
}

// mail is the cluster with a second service that has the same servers.
func withMail(d spec.Desired) spec.Desired {
	d = d.Clone()
	d.VirtualServers["mail"] = d.VirtualServers["web"]
	for address, v := range d.RealServers["web"] {
		d.RealServers.Put(spec.ServerKey{VirtualServer: "mail", Address: address}, v)
	}
	return d
}

func TestEqualChecksOfOneAddressAreOne(t *testing.T) {
	t.Parallel()
	inMail := spec.ServerKey{VirtualServer: "mail", Address: key(one).Address}
	both := withMail(cluster(one))
	mail := both.VirtualServers["mail"]
	sooner := *mail.HealthCheck
	sooner.Fall = 1
	mail.HealthCheck = &sooner
	both.VirtualServers["mail"] = mail
	onBench(t, both, func(b bench) {
		rounds := func() int { return len(b.prober.times(ofOne)) + len(b.prober.times(inMail.String())) }
		b.pass(1500 * time.Millisecond)
		if got := rounds(); got != 2 {
			b.t.Errorf("%d rounds in two intervals", got)
		}
		b.prober.set(ofOne, errRefused)
		b.prober.set(inMail.String(), errRefused)
		b.pass(time.Second)
		b.wantServer(inMail, Failing, "connection refused") // each counts by its own rise and fall
		b.wantServer(key(one), Passing, "connection refused")
		b.pass(2 * time.Second)
		b.wantServer(key(one), Failing, "connection refused")
		rounds()

		b.Set(cluster(one), "mail") // one leaves, the other is checked on
		b.prober.set(ofOne, nil)
		b.prober.set(inMail.String(), nil)
		b.pass(2 * time.Second)
		b.wantServer(key(one), Passing, "")
		if got := rounds(); got != 2 {
			b.t.Errorf("%d rounds in two intervals after one service is gone", got)
		}
	})
}

func TestWhoJoinsACheckHasItsLastResult(t *testing.T) {
	t.Parallel()
	onBench(t, cluster(one), func(b bench) {
		b.pass(500 * time.Millisecond)
		b.Set(withMail(cluster(one)), "mail")
		b.wantServer(spec.ServerKey{VirtualServer: "mail", Address: key(one).Address}, Passing, "")
	})
}

// A script is told the name of the virtual server, so what it says of one is nothing to another.
func TestChecksByScriptAreNotShared(t *testing.T) {
	t.Parallel()
	both := withMail(scripted(checked(cluster(one), func(v *spec.HealthCheck) { v.Script = &spec.ScriptCheck{Name: "db"} }), "db"))
	onBench(t, both, func(b bench) {
		b.pass(500 * time.Millisecond)
		b.wantTimes(ofOne, 20*time.Millisecond)
		b.wantTimes("mail/"+one, 10*time.Millisecond)
	})
}

func TestRoundsBeyondTheLimitWaitForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prober := newFakeProber()
		var servers []string
		for i := range 10 {
			s := fmt.Sprintf("192.0.2.%d:80", i+1)
			servers = append(servers, s)
			prober.slow("web/"+s, 150*time.Millisecond)
		}
		c := New(Config{Prober: prober, Limit: 1, Jitter: evenly})
		c.Set(cluster(servers...))
		ctx, cancel := context.WithTimeout(t.Context(), 9900*time.Millisecond)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		for _, s := range servers {
			// There is time for 66 rounds. What comes too late for its turn waits for the next.
			if n := len(prober.times("web/" + s)); n < 4 || n > 10 {
				t.Errorf("%s was checked %d times", s, n)
			}
		}
		m := c.Metrics()
		if m.Skipped == 0 || m.Rounds < 60 || m.UnderWay != 0 {
			t.Errorf("counted: %+v", m)
		}
		if m.Lateness.Buckets[0.1] == m.Lateness.Count {
			t.Errorf("nothing was late: %+v", m.Lateness)
		}
	})
}

// Rounds that never end do not take the place of those that do.
func TestStuckRoundsDoNotCountAgainstTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prober := newFakeProber()
		prober.deafen(ofOne, time.Hour)
		c := New(Config{Prober: prober, Limit: 1, Jitter: evenly})
		c.Set(cluster(one, two))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := len(prober.times(ofTwo)); n < 7 {
			t.Errorf("the other server was checked %d times in 10 s", n)
		}
		time.Sleep(time.Hour) // for the probe
	})
}

// A check that runs into a timeout as long as its interval is not skipped every other time.
func TestCheckThatTakesItsWholeIntervalKeepsUp(t *testing.T) {
	t.Parallel()
	onBench(t, spec.Desired{}, func(b bench) {
		b.prober.slow(ofOne, 1010*time.Millisecond)
		b.prober.deafen(ofOne, 1010*time.Millisecond)
		b.Set(cluster(one))
		b.pass(9900 * time.Millisecond)
		if n := len(b.prober.times(ofOne)); n != 10 {
			b.t.Errorf("%d rounds in ten intervals", n)
		}
	})
}

func TestLimitOfDescriptorsLeavesSomeForTheRest(t *testing.T) {
	t.Parallel()
	for descriptors, want := range map[uint64]int{100: 64, 1024: 384, 524288: 262016, 1 << 62: 524160} {
		if got := limitOf(descriptors); got != want {
			t.Errorf("%d descriptors: %d rounds, want %d", descriptors, got, want)
		}
	}
}
