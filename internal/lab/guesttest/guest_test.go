// Package guesttest boots guests. Its tests need no right that an ordinary user lacks, and cannot run in
// a guest themselves, as those beside the code may.
package guesttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedGuest) }

// soon is a context for what should come at once.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestGuestHandsOutputAndExitStatusOn(t *testing.T) {
	t.Parallel()
	const argument = "it's $HOME\n\\n \"quoted\""
	dir := t.TempDir()
	g := lab.Guest{Dir: dir, Env: append(os.Environ(), "LVS_TEST="+argument, "EMPTY=")}
	var output bytes.Buffer
	status, err := g.Run(soon(t), &output, "sh", "-c", `
		id -u
		pwd
		printf '%s\n' "$1"
		printf '%s\n' "$LVS_TEST" >&2
		echo "${EMPTY-unset}"
		echo here >/dev/stdout
		echo left >file
		touch "$TMPDIR/gone"
		exit 7`, "sh", argument)
	if err != nil {
		t.Fatal(err)
	}
	if status != 7 {
		t.Errorf("exit status %d, want 7", status)
	}
	want := strings.Join([]string{"0", dir, argument, argument, "", "here", ""}, "\n")
	if diff := cmp.Diff(want, output.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "left\n" {
		t.Errorf("the file that the command wrote has %q: %v", content, err)
	}
}

func TestGuestLosesNothingOfALongOutput(t *testing.T) {
	t.Parallel()
	var want, got bytes.Buffer
	for i := 1; i <= 200_000; i++ {
		want.WriteString(strconv.Itoa(i) + "\n")
	}
	// The one left behind keeps the output open; the guest halts all the same.
	status, err := lab.Guest{}.Run(soon(t), &got, "sh", "-c", "sleep 1000 & seq 200000")
	if err != nil || status != 0 {
		t.Fatalf("exit status %d: %v", status, err)
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("%d bytes of output, want %d: they differ", got.Len(), want.Len())
	}
}

func TestGuestStreamsAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	stopped := errors.New("stopped")
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := lab.Guest{}.Run(ctx, writer, "sh", "-c", "sleep 1000 & echo booted; wait")
		writer.CloseWithError(stopped)
		ended <- err
	}()
	line := make([]byte, len("booted\n"))
	if _, err := io.ReadFull(reader, line); err != nil || string(line) != "booted\n" {
		t.Fatalf("while the command runs, its output is %q: %v", line, err)
	}
	cancel()
	if _, err := io.ReadAll(reader); !errors.Is(err, stopped) {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestGuestEndsWhenNobodyReads(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := lab.Guest{}.Run(soon(t), writer, "sh", "-c", "echo booted; sleep 1000")
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v, want the writer's", err)
	}
}

func TestGuestThatDoesNotBootSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := lab.Guest{Memory: "4M"}.Run(soon(t), io.Discard, "true")
	if err == nil || !strings.Contains(err.Error(), "console") {
		t.Errorf("error %v has no console in it", err)
	}
}

func TestGuestRefusesNoCommand(t *testing.T) {
	t.Parallel()
	if _, err := (lab.Guest{}).Run(soon(t), io.Discard); err == nil {
		t.Error("no command was run without an error")
	}
}
