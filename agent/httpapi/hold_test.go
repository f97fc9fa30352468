package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHoldLastsUntilAPutWithoutIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query, header string
		err, applyErr error
		status        int
		answer        string
		asked         []string
	}{
		"none":              {query: "", status: http.StatusOK, asked: []string{"end hold web"}},
		"one":               {query: "?hold=30s", status: http.StatusOK, asked: []string{"hold web 30s"}},
		"a dry run":         {query: "?hold=30s&dry_run=true", status: http.StatusOK},
		"no duration":       {query: "?hold=soon", status: http.StatusBadRequest, answer: "write 30s"},
		"for ever":          {query: "?hold=2h", status: http.StatusBadRequest, answer: "at most 1h0m0s"},
		"backwards":         {query: "?hold=-1s", status: http.StatusBadRequest, answer: "at most 1h0m0s"},
		"an active one":     {query: "?hold=30s", err: &Conflict{"it is active"}, status: http.StatusConflict, answer: "it is active", asked: []string{"hold web 30s"}},
		"broken":            {query: "?hold=30s", err: errors.New("no thread"), status: http.StatusInternalServerError, answer: "no thread", asked: []string{"hold web 30s"}},
		"but not stored":    {query: "?hold=30s", header: `"other"`, status: http.StatusPreconditionFailed, asked: []string{"hold web 30s", "end hold web"}},
		"but not applied":   {query: "?hold=30s", applyErr: errors.New("no kernel"), status: http.StatusInternalServerError, asked: []string{"hold web 30s"}},
		"its end not taken": {query: "", applyErr: errors.New("no kernel"), status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, routers := newFixture(t), &fakeRouters{}
			f.handler = held(t, Config{Store: f.store, Director: f, Routers: routers, Version: "test", Log: slog.New(slog.DiscardHandler)})
			f.want(t, http.StatusCreated, "PUT", instancePath, instance)
			routers.asked, routers.err, f.applyErr = nil, test.err, test.applyErr
			changed := strings.Replace(instance, "51", "52", 1)
			if got := f.want(t, test.status, "PUT", instancePath+test.query, changed, "If-Match", test.header); !strings.Contains(got, test.answer) {
				t.Errorf("answered %s, want %s in it", got, test.answer)
			}
			if diff := cmp.Diff(test.asked, routers.asked); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}
