package hook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/event"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// patience is for what is expected to come; a busy machine may take long.
const patience = 20 * time.Second

// became is the event that an object is in another state.
func became(kind spec.Kind, name, server, to string) spec.Event {
	return spec.Event{Type: spec.EventStateChanged, Kind: kind, Name: name, Server: server, State: &spec.StateChange{To: to}}
}

func instanceBecame(to string) spec.Event { return became(spec.KindVRRPInstance, "web", "", to) }

// await returns when it is so, or when patience is over.
func await(so func() bool) {
	for deadline := time.Now().Add(patience); !so() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// script is a hook of a program that the test's teller stands for.
func script(change func(*spec.Hook)) spec.Hook {
	v := spec.DefaultHook()
	v.Command = []string{"/scripts/told"}
	if change != nil {
		change(&v)
	}
	return v
}

// director is what Hooks see of one.
type director struct {
	log   *event.Log
	store *store.Store
}

func newDirector(t *testing.T, s *store.Store, notify map[string]spec.Hook) *director {
	t.Helper()
	d := &director{log: event.New(event.Capacity, 0), store: s}
	d.put(t, notify)
	return d
}

// put gives the hooks to a VRRP instance and a virtual server that are both called web.
func (d *director) put(t *testing.T, notify map[string]spec.Hook) {
	t.Helper()
	_, err := d.store.Update(func(spec.Desired) ([]spec.Change, error) {
		return []spec.Change{
			{Kind: spec.KindVRRPInstance, Key: "web", Value: spec.VRRPInstance{SyncGroup: "all", Notify: notify}},
			{Kind: spec.KindVirtualServer, Key: "web", Value: spec.VirtualServer{Notify: notify}},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.log.Publish(spec.Event{Type: spec.EventSpecChanged, Kind: spec.KindVRRPInstance, Name: "web"})
}

func (d *director) hooks(teller Teller) *Hooks {
	return New(Config{Director: "d1", Events: d.log, Desired: d.store.Desired, Queue: store.NotificationsOf(d.store), Teller: teller})
}

// running runs Hooks until the test is over, or stop is called.
func running(t *testing.T, h *Hooks) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// recorder is a Teller that notes what it is given, and does what the test says.
type recorder struct {
	answer func(ctx context.Context, id spec.HookID, n spec.Notification) (Result, error)

	mu   sync.Mutex
	told []string
}

func (r *recorder) Tell(ctx context.Context, id spec.HookID, _ spec.Hook, n spec.Notification) (Result, error) {
	result, err := Told, error(nil)
	if r.answer != nil {
		result, err = r.answer(ctx, id, n)
	}
	words := []string{"untold", "told", "refused"}
	line := fmt.Sprintf("%s %s %s", id, words[result], n.Event.Type)
	if n.Event.State != nil {
		line = fmt.Sprintf("%s %s %s", id, words[result], n.Event.State.To)
	}
	if n.Lost > 0 {
		line += fmt.Sprintf(" lost %d", n.Lost)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, line)
	return result, err
}

func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

func TestHooksAreToldWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{
			"all":  script(nil),
			"some": script(func(v *spec.Hook) { v.States = []string{"active", "unhealthy"} }),
		})
		teller := &recorder{}
		running(t, d.hooks(teller))
		for _, e := range []spec.Event{
			instanceBecame("backup"), instanceBecame("active"),
			became(spec.KindVirtualServer, "web", "", "up"), became(spec.KindRealServer, "web", "192.0.2.21:80", "unhealthy"),
			became(spec.KindVRRPInstance, "other", "", "active"), became(spec.KindCheckScript, "web", "", "passing"),
			{Type: spec.EventFailoverBegun, Kind: spec.KindVRRPInstance, Name: "web"},
			{Type: spec.EventLost, Kind: spec.KindVRRPInstance},
		} {
			d.log.Publish(e)
			synctest.Wait()
		}
		want := []string{
			"vrrp_instance/web/all told backup",
			"vrrp_instance/web/all told active", "vrrp_instance/web/some told active",
			"virtual_server/web/all told up",
			"virtual_server/web/all told unhealthy", "virtual_server/web/some told unhealthy",
			"vrrp_instance/web/all told events_lost", "vrrp_instance/web/some told events_lost",
		}
		slices.Sort(want)
		got := teller.lines()
		slices.Sort(got) // hooks do not wait for one another
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A hook that fails is told again, later and later, and what comes after waits for it. Others do not.
func TestHookIsToldInOrderHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"bad": script(nil), "good": script(nil)})
		begin, failures := time.Now(), atomic.Uint64{}
		teller := &recorder{answer: func(_ context.Context, id spec.HookID, _ spec.Notification) (Result, error) {
			if id.Name == "bad" && time.Since(begin) < 10*time.Minute {
				failures.Add(1)
				return Untold, errors.New("connection refused")
			}
			return Told, nil
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("backup"), instanceBecame("active"))
		synctest.Wait()
		want := map[string]spec.HookStatus{
			"vrrp_instance/web/bad":  {Waiting: 2, Failures: 1, Reason: "connection refused"},
			"vrrp_instance/web/good": {Delivered: 2},
		}
		if diff := cmp.Diff(want, h.Status()); diff != "" {
			t.Errorf("status at first (-want +got):\n%s", diff)
		}
		time.Sleep(12 * time.Minute)
		if n := failures.Load(); n < 10 || n > 30 {
			t.Errorf("it was tried %d times in 10 minutes", n)
		}
		want["vrrp_instance/web/bad"] = spec.HookStatus{Delivered: 2, Failures: failures.Load()}
		if diff := cmp.Diff(want, h.Status()); diff != "" {
			t.Errorf("status at last (-want +got):\n%s", diff)
		}
		lines := teller.lines()
		if diff := cmp.Diff([]string{"vrrp_instance/web/bad told backup", "vrrp_instance/web/bad told active"}, lines[len(lines)-2:]); diff != "" {
			t.Errorf("told at last (-want +got):\n%s", diff)
		}
	})
}

func TestHookThatIsMendedIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		var mended atomic.Bool
		teller := &recorder{answer: func(context.Context, spec.HookID, spec.Notification) (Result, error) {
			if mended.Load() {
				return Told, nil
			}
			return Untold, errors.New("404 Not Found")
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("active"))
		time.Sleep(time.Hour)
		mended.Store(true)
		d.put(t, map[string]spec.Hook{"pager": script(nil)})
		synctest.Wait()
		if got := h.Status()["vrrp_instance/web/pager"]; got.Delivered != 1 || got.Reason != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestHookThatIsGoneIsToldNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		teller := &recorder{answer: func(context.Context, spec.HookID, spec.Notification) (Result, error) {
			return Untold, errors.New("404 Not Found")
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("active"))
		synctest.Wait()
		d.put(t, nil)
		synctest.Wait()
		tries := len(teller.lines())
		time.Sleep(time.Hour)
		if got := len(teller.lines()); got != tries {
			t.Errorf("it was tried %d times more", got-tries)
		}
		if len(h.lines) != 0 {
			t.Errorf("it is remembered: %v", h.lines)
		}
	})
}

// The engine tells that an instance has left its state after it was deleted: whoever announced a route must hear of it.
func TestHookOfADeletedInstanceIsToldThatItLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"route": script(nil), "deaf": script(nil)})
		var groups []string
		teller := &recorder{answer: func(_ context.Context, id spec.HookID, n spec.Notification) (Result, error) {
			if id.Name == "deaf" {
				return Untold, errors.New("connection refused")
			}
			groups = append(groups, n.SyncGroup)
			return Told, nil
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("active"))
		synctest.Wait()
		if _, err := d.store.Update(func(spec.Desired) ([]spec.Change, error) {
			return []spec.Change{{Kind: spec.KindVRRPInstance, Key: "web"}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		d.log.Publish(instanceBecame("fault")) // and then, after it was deleted, that it was
		synctest.Wait()
		d.log.Publish(spec.Event{Type: spec.EventSpecChanged, Kind: spec.KindVRRPInstance, Name: "web"})
		synctest.Wait()
		time.Sleep(time.Second)
		d.log.Publish(instanceBecame("initialize"))
		synctest.Wait()
		var told []string
		for _, line := range teller.lines() {
			if line != "vrrp_instance/web/deaf untold active" {
				told = append(told, line)
			}
		}
		want := []string{"vrrp_instance/web/route told active", "vrrp_instance/web/route told fault", "vrrp_instance/web/route told initialize"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"all", "all", "all"}, groups); diff != "" {
			t.Errorf("sync groups (-want +got):\n%s", diff)
		}

		time.Sleep(time.Hour)
		before := len(teller.lines())
		d.log.Publish(instanceBecame("active"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if after := len(teller.lines()); after != before {
			t.Errorf("told %d times more of what is long gone", after-before)
		}
		if len(h.lines) != 0 || len(h.definitions.until) != 0 || wanted(object{spec.KindVRRPInstance, "web"}, h.definitions.last) {
			t.Errorf("remembered: %v, %v", h.lines, h.definitions)
		}
	})
}

// What a web server will never take must not keep the rest from it.
func TestRefusedNotificationIsGivenUpAndSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		teller := &recorder{answer: func(_ context.Context, _ spec.HookID, n spec.Notification) (Result, error) {
			if n.Event.State.To == "backup" {
				return Refused, errors.New("400 Bad Request")
			}
			return Told, nil
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("backup"), instanceBecame("backup"), instanceBecame("active"))
		synctest.Wait()
		want := []string{"vrrp_instance/web/pager refused backup", "vrrp_instance/web/pager refused backup lost 1", "vrrp_instance/web/pager told active lost 2"}
		if diff := cmp.Diff(want, teller.lines()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(spec.HookStatus{Delivered: 1, Failures: 2, Lost: 2}, h.Status()["vrrp_instance/web/pager"]); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

func TestQueueIsBoundedAndSaysWhatItLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		hang := make(chan struct{})
		teller := &recorder{answer: func(_ context.Context, _ spec.HookID, n spec.Notification) (Result, error) {
			if n.Event.State.To == "first" {
				<-hang
			}
			return Told, nil
		}}
		h := d.hooks(teller)
		disk := queue{}
		h.Queue = disk
		running(t, h)
		d.log.Publish(instanceBecame("first"))
		synctest.Wait()
		for range Capacity + 5 {
			d.log.Publish(instanceBecame("backup"))
		}
		synctest.Wait()
		if got := h.Status()["vrrp_instance/web/pager"]; got.Waiting != Capacity || got.Lost != 6 {
			t.Errorf("%+v", got)
		}
		if len(disk) != Capacity {
			t.Errorf("%d are on disk, want no more than wait", len(disk))
		}
		close(hang)
		synctest.Wait()
		lines := teller.lines()
		if diff := cmp.Diff([]string{"vrrp_instance/web/pager told first", "vrrp_instance/web/pager told backup lost 6", "vrrp_instance/web/pager told backup"}, lines[:3]); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if len(lines) != Capacity {
			t.Errorf("told %d, want %d", len(lines), Capacity)
		}
	})
}

// queue is a Queue in memory, by hook and revision.
type queue map[string]spec.Notification

func (q queue) Notifications() (map[spec.HookID][]spec.Notification, error) { return nil, nil }

func (q queue) Change(keep, forget map[spec.HookID][]spec.Notification) error {
	for id, all := range keep {
		for _, n := range all {
			q[fmt.Sprint(id, n.Event.Revision)] = n
		}
	}
	for id, all := range forget {
		for _, n := range all {
			delete(q, fmt.Sprint(id, n.Event.Revision))
		}
	}
	return nil
}

// Programs and requests must not take the processors from adverts.
func TestNotAllHooksAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hook spec.Hook
		most int64
	}{
		"programs": {script(nil), maxPrograms},
		"webhooks": {webhook("http://127.0.0.1/"), maxWebhooks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all := map[string]spec.Hook{}
				for n := range 3 * maxWebhooks {
					all[fmt.Sprint("hook", n)] = tt.hook
				}
				d := newDirector(t, store.InMemory(), all)
				var now atomic.Int64
				teller := &recorder{answer: func(context.Context, spec.HookID, spec.Notification) (Result, error) {
					if n := now.Add(1); n > tt.most {
						t.Errorf("%d at once", n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return Told, nil
				}}
				running(t, d.hooks(teller))
				d.log.Publish(instanceBecame("active"))
				synctest.Wait()
				if n := now.Load(); n != tt.most {
					t.Errorf("%d at once, want %d", n, tt.most)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := len(teller.lines()); n != len(all) {
					t.Errorf("%d were told", n)
				}
			})
		})
	}
}

func TestNoHookWaitsForThoseThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := map[string]spec.Hook{"good": webhook("http://127.0.0.1/")}
		for n := range 10 * maxWebhooks {
			all[fmt.Sprint("silent", n)] = webhook("http://192.0.2.1/")
		}
		d := newDirector(t, store.InMemory(), all)
		teller := &recorder{answer: func(_ context.Context, id spec.HookID, _ spec.Notification) (Result, error) {
			if id.Name == "good" {
				return Told, nil
			}
			time.Sleep(10 * time.Second)
			return Untold, errors.New("not done within 10s")
		}}
		h := d.hooks(teller)
		running(t, h)
		d.log.Publish(instanceBecame("backup"))
		time.Sleep(time.Hour)
		for n := range uint64(100) {
			d.log.Publish(instanceBecame("active"))
			synctest.Wait()
			if got := h.Status()["vrrp_instance/web/good"]; got.Delivered != n+2 {
				t.Fatalf("%d were told at once, want %d", got.Delivered, n+2)
			}
			time.Sleep(time.Second)
		}
	})
}

// A hook that was well again is one that fails for the first time.
func TestPausesBeginAnewAfterAHookWasTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		begin, second := time.Now(), 0
		var failed, again time.Time
		teller := &recorder{answer: func(_ context.Context, _ spec.HookID, n spec.Notification) (Result, error) {
			if n.Event.State.To == "backup" {
				if time.Since(begin) < time.Hour {
					return Untold, errors.New("connection refused")
				}
				return Told, nil
			}
			if second++; second == 1 {
				failed = time.Now()
				return Untold, errors.New("connection refused")
			}
			again = time.Now()
			return Told, nil
		}}
		running(t, d.hooks(teller))
		d.log.Publish(instanceBecame("backup"), instanceBecame("active"))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if pause := again.Sub(failed); pause <= 0 || pause > firstPause {
			t.Errorf("it was tried again after %s", pause)
		}
	})
}

// Hooks that cannot keep up with the log itself are told that they missed something.
func TestEventsThatAreGoneAreSaid(t *testing.T) {
	t.Parallel()
	d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
	all := d.log
	d.log = event.New(2, all.Status().Revision)
	h := d.hooks(&recorder{})
	reader := &behind{Log: d.log, publish: func() {
		d.log.Publish(instanceBecame("backup"), instanceBecame("active"), instanceBecame("backup"))
	}}
	h.Events = reader
	teller := h.Teller.(*recorder)
	stop := running(t, h)
	await(func() bool { return len(teller.lines()) >= 4 })
	stop()
	got := teller.lines()
	slices.Sort(got)
	want := []string{"virtual_server/web/pager told events_lost", "vrrp_instance/web/pager told active", "vrrp_instance/web/pager told backup", "vrrp_instance/web/pager told events_lost"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// behind is a log in which a lot happens right after the reader learnt where it begins.
type behind struct {
	*event.Log
	publish func()
	once    sync.Once
}

func (b *behind) Read(after uint64) ([]spec.Event, <-chan struct{}, bool) {
	b.once.Do(b.publish)
	return b.Log.Read(after)
}

// What happens last, such as the end of a role, is told before the agent is gone.
func TestStopTellsWhatHasHappened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"pager": script(nil)})
		teller := &recorder{answer: func(context.Context, spec.HookID, spec.Notification) (Result, error) {
			time.Sleep(time.Second)
			return Told, nil
		}}
		stop := running(t, d.hooks(teller))
		synctest.Wait()
		d.log.Publish(instanceBecame("initialize"))
		stop()
		if diff := cmp.Diff([]string{"vrrp_instance/web/pager told initialize"}, teller.lines()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

func TestStopDoesNotWaitForAHookForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirector(t, store.InMemory(), map[string]spec.Hook{"hangs": script(nil), "fails": script(nil)})
		stop := running(t, d.hooks(&recorder{answer: func(ctx context.Context, id spec.HookID, _ spec.Notification) (Result, error) {
			if id.Name == "hangs" {
				<-ctx.Done()
			}
			return Untold, errors.New("no")
		}}))
		d.log.Publish(instanceBecame("initialize"))
		synctest.Wait()
		begin := time.Now()
		stop()
		if took := time.Since(begin); took > stopGrace {
			t.Errorf("it took %s", took)
		}
	})
}

// An agent that is killed leaves its file as it is at that moment: the next one tells what was not told, and what
// may have been.
func TestKilledAgentsHooksAreToldByTheNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "state.db")
	s, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := newDirector(t, s, map[string]spec.Hook{"pager": script(nil)})
	reached := make(chan struct{})
	h := d.hooks(&recorder{answer: func(ctx context.Context, _ spec.HookID, n spec.Notification) (Result, error) {
		if n.Event.State.To == "active" {
			close(reached)
			<-ctx.Done()
			return Untold, ctx.Err()
		}
		return Told, nil
	}})
	running(t, h)
	d.log.Publish(instanceBecame("backup"), instanceBecame("active"), instanceBecame("fault"))
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the second notification was not tried")
	}

	content, err := os.ReadFile(file) // of a database that nobody writes to now
	if err != nil {
		t.Fatal(err)
	}
	after := filepath.Join(dir, "after.db")
	if err := os.WriteFile(after, content, 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := store.Open(after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	teller := &recorder{}
	stop := running(t, (&director{log: event.New(event.Capacity, 1<<32), store: next}).hooks(teller))
	stop()
	if diff := cmp.Diff([]string{"vrrp_instance/web/pager told active", "vrrp_instance/web/pager told fault"}, teller.lines()); diff != "" {
		t.Errorf("told by the next (-want +got):\n%s", diff)
	}
	left, err := store.NotificationsOf(next).Notifications()
	if err != nil || len(left) != 0 {
		t.Errorf("still kept: %v, %v", left, err)
	}
}
