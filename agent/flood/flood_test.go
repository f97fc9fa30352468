package flood

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged returns what stands in the log after f, and after the end of its window.
func logged(t *testing.T, level slog.Level, f func(*slog.Logger)) (text string) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		var out bytes.Buffer
		f(slog.New(NewHandler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))))
		time.Sleep(window)
		synctest.Wait()
		text = out.String()
	})
	return text
}

func TestAFloodOfOneLineIsCountedAndSaid(t *testing.T) {
	t.Parallel()
	text := logged(t, slog.LevelInfo, func(l *slog.Logger) {
		for range 100_000 {
			l.Warn("it is full", "server", "192.0.2.21:80")
		}
		l.Warn("it is full", "server", "192.0.2.22:80")
		l.With("service", "web").Warn("it is full", "server", "192.0.2.21:80")
	})
	if n := strings.Count(text, `msg="it is full" server=192.0.2.21:80`); n != sameLines {
		t.Errorf("%d are written, want %d", n, sameLines)
	}
	for _, want := range []string{`server=192.0.2.22:80`, `service=web`, `level=WARN msg="left out lines that repeat themselves" message="it is full" lines=99995 within=10s`} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once: %s", want, text)
		}
	}
}

func TestAFloodOfDifferentLinesIsBoundedByItsMessage(t *testing.T) {
	t.Parallel()
	text := logged(t, slog.LevelInfo, func(l *slog.Logger) {
		for n := range 3 * maxLines {
			l.Warn("refused", "path", fmt.Sprint(n))
		}
		l.Warn("another")
	})
	if n := strings.Count(text, "msg=refused"); n != sameMessages {
		t.Errorf("%d are written, want %d", n, sameMessages)
	}
	if !strings.Contains(text, "msg=another") || !strings.Contains(text, "message=refused lines=28000") {
		t.Errorf("the end of the log is %s", text[max(0, len(text)-500):])
	}
}

func TestWhatMustBeCompleteAndWhatWasAskedForIsNotLeftOut(t *testing.T) {
	t.Parallel()
	text := logged(t, slog.LevelDebug, func(l *slog.Logger) {
		for range 100 {
			l.Info("changed on request", Exempt, "put", "name", "web")
			l.Debug("heard an advert")
		}
	})
	if audited, heard := strings.Count(text, "changed on request"), strings.Count(text, "heard an advert"); audited != 100 || heard != 100 {
		t.Errorf("%d and %d lines are there", audited, heard)
	}
}

func TestALineIsWrittenAgainInTheNextWindow(t *testing.T) {
	t.Parallel()
	text := logged(t, slog.LevelInfo, func(l *slog.Logger) {
		for range 3 {
			for range 2 * sameLines {
				l.Info("again")
			}
			time.Sleep(window + time.Second)
		}
	})
	if n := strings.Count(text, "msg=again"); n != 3*sameLines {
		t.Errorf("it is written %d times: %s", n, text)
	}
	if n := strings.Count(text, "lines=5"); n != 3 {
		t.Errorf("it is said %d times: %s", n, text)
	}
}
