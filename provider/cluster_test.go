package provider

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

func directorOf(t *testing.T, d *testDirector) *director {
	t.Helper()
	c, err := client.New(client.Config{Name: d.name, Endpoint: d.url})
	if err != nil {
		t.Fatal(err)
	}
	return newDirector(c)
}

func TestOneSnapshotServesAllReads(t *testing.T) {
	t.Parallel()
	server := newDirectors(t, "d1")["d1"]
	server.change(spec.KindCheckScript, "gateway", spec.CheckScript{Command: []string{"/a"}})
	d := directorOf(t, server)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			o, err := checkScripts().look(t.Context(), d, "gateway")
			if err != nil || !o.exists {
				t.Errorf("look = %+v, %v", o, err)
			}
		})
	}
	wg.Wait()
	if seen := server.seen(""); len(seen) != 1 {
		t.Errorf("100 reads made the requests %q", seen)
	}
}

func TestDeadDirectorIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	server := newDirectors(t, "d1")["d1"]
	server.setFault(down)
	d := directorOf(t, server)
	for range 3 {
		if _, err := d.snapshot(t.Context()); !client.IsUnreachable(err) {
			t.Errorf("error is %v", err)
		}
	}
	if n := len(server.seen("")); n != 3 { // one call and its two repetitions
		t.Errorf("%d requests, want 3", n)
	}
}

func TestInterruptedReadIsNotRemembered(t *testing.T) {
	t.Parallel()
	d := directorOf(t, newDirectors(t, "d1")["d1"])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := d.snapshot(t.Context()); err != nil {
		t.Errorf("error is %v", err)
	}
}

func TestReadAfterAWriteSeesWhatWasWritten(t *testing.T) {
	t.Parallel()
	server := newDirectors(t, "d1")["d1"]
	d, k, ctx := directorOf(t, server), realServers(), t.Context()
	service := spec.VirtualServer{Address: addressOf("192.0.2.1"), Port: 80, Protocol: spec.TCP, Scheduler: "rr", ForwardingMethod: spec.NAT}
	server.change(spec.KindVirtualServer, "web", service)
	const key = "web/192.0.2.21:80"
	if o, err := k.look(ctx, d, key); err != nil || o.exists {
		t.Fatalf("at first: %+v, %v", o, err)
	}
	if _, err := k.put(ctx, d, key, spec.RealServer{Weight: 7}, client.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if o, err := k.look(ctx, d, key); err != nil || !o.exists || o.spec.Weight != 7 {
		t.Errorf("after the put: %+v, %v", o, err)
	}
	if err := k.remove(ctx, d, key, client.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if o, err := k.look(ctx, d, key); err != nil || o.exists {
		t.Errorf("after the delete: %+v, %v", o, err)
	}
}

func TestDirectorsAreAskedAtTheSameTime(t *testing.T) {
	t.Parallel()
	// Each answers only once both have been asked.
	var both sync.WaitGroup
	both.Add(2)
	servers := newDirectors(t, "d1", "d2")
	var directors []*director
	for _, s := range servers {
		s.setFault(func(http.ResponseWriter, *http.Request) bool { both.Done(); both.Wait(); return false })
		directors = append(directors, directorOf(t, s))
	}
	got := each(t.Context(), directors, func(ctx context.Context, d *director) (*spec.Snapshot, error) { return d.snapshot(ctx) })
	if len(got.values()) != 2 {
		t.Errorf("errors: %v", got.errs())
	}
}

func TestSnapshotIsReadAgainOnceSomethingWasWrittenAndItIsOld(t *testing.T) {
	t.Parallel()
	server := newDirectors(t, "d1")["d1"]
	d, ctx := directorOf(t, server), t.Context()
	read := func() *spec.Snapshot {
		t.Helper()
		s, err := d.current(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	age := func() { d.at = d.at.Add(-2 * snapshotAge) }
	first := read()
	age()
	if again := read(); again != first || len(server.seen("GET")) != 1 {
		t.Error("it was read again before anything was written")
	}
	d.at = time.Now()
	if _, err := checkScripts().put(ctx, d, "gateway", spec.CheckScript{Command: []string{"/a"}, Interval: spec.Duration(time.Second), Timeout: spec.Duration(time.Second), Rise: 1, Fall: 1}, client.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := read(); again != first {
		t.Error("it was read again though it is not old")
	}
	age()
	second := read()
	if _, there := second.CheckScripts["gateway"]; !there {
		t.Error("it does not have what was written")
	}
	age()
	if again := read(); again != second || d.at.Before(time.Now().Add(-snapshotAge)) {
		t.Errorf("what is not modified is read as another one; etag %s", d.etag)
	}
}
