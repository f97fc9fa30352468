package check

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestConnectionThatComesTooLateIsClosed(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	ctx, done := context.WithCancel(t.Context())
	dial := until(ctx, func(context.Context, string, string) (net.Conn, error) {
		done()
		return here, nil
	})
	conn, err := dial(t.Context(), "tcp", "192.0.2.21:80")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !errors.Is(conn.SetDeadline(time.Time{}), io.ErrClosedPipe); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is still open")
		}
	}
}
