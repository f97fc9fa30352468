package httpapi

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestASnapshotServesThoseWhoComeTogetherAndHidesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		taken := func() int64 {
			time.Sleep(time.Nanosecond) // the bubble's clock would stand still
			before := f.statuses.Load()
			f.want(t, http.StatusOK, "GET", "/v1/snapshot", "")
			return f.statuses.Load() - before
		}
		if n := taken(); n != 1 {
			t.Errorf("the first one took %d", n)
		}
		if n := taken(); n != 0 {
			t.Errorf("one that comes with it took %d", n)
		}
		f.want(t, http.StatusCreated, "PUT", servicePath, service)
		if n := taken(); n != 1 {
			t.Errorf("one after a write took %d", n)
		}
		f.want(t, http.StatusOK, "PUT", servicePath, service) // undoes drift, perhaps
		if n := taken(); n != 1 {
			t.Errorf("one after a write of the same took %d", n)
		}
		time.Sleep(shared + time.Millisecond)
		if n := taken(); n != 1 {
			t.Errorf("one that comes later took %d", n)
		}
	})
}
