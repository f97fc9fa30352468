package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxMessage bounds a message. The largest is the log of events, which is some megabytes.
const maxMessage = 256 << 20

// message is a line.
type message struct {
	Step Step `json:"step"`
	// Protocol, Version, Place and Listeners belong to an offer, and Version to its answer: that of the program. Place is
	// where the state is.
	Protocol  int      `json:"protocol,omitzero"`
	Version   string   `json:"version,omitzero"`
	Place     string   `json:"place,omitzero"`
	Listeners []string `json:"listeners,omitempty"`
	// Reason is why a process refuses.
	Reason string         `json:"reason,omitzero"`
	Body   jsontext.Value `json:"body,omitzero"`
}

// line is one end of the pair of sockets.
type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func newLine(fd int) (*line, error) {
	f := os.NewFile(uintptr(fd), "handover") // #nosec G115 -- a descriptor
	conn, err := net.FileConn(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &line{conn: conn, in: bufio.NewReader(conn)}, nil
}

// pair returns an end for this process, and the descriptor of the one for another.
func pair() (_ *line, other int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make a pair of sockets: %w", err)
	}
	l, err := newLine(fds[0])
	if err != nil {
		return nil, -1, errors.Join(err, unix.Close(fds[1]))
	}
	return l, fds[1], nil
}

// sendTimeout bounds the wait for a process that does not read what it is told.
const sendTimeout = 10 * time.Second

func (l *line) send(m message, body any) error {
	if body != nil {
		data, err := spec.Encode(body)
		if err != nil {
			return fmt.Errorf("say %s: %w", m.Step, err)
		}
		m.Body = data
	}
	data, err := spec.Encode(m)
	if err == nil {
		err = l.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	}
	if err == nil {
		_, err = l.conn.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("say %s: %w", m.Step, err)
	}
	return nil
}

// receive returns the next message, which comes before the deadline, zero for none, and before the context ends.
func (l *line) receive(ctx context.Context, deadline time.Time) (message, error) {
	if err := l.conn.SetReadDeadline(deadline); err != nil {
		return message{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var text []byte
	for {
		piece, err := l.in.ReadSlice('\n')
		text = append(text, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(text) < maxMessage:
			continue
		case err == io.EOF && len(text) > 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return message{}, err
		}
		break
	}
	return parse(text)
}

// parse reads a line. Fields that are not known are passed over: a newer process may say more.
func parse(text []byte) (message, error) {
	var m message
	if err := decode(text, &m); err != nil {
		return message{}, fmt.Errorf("read what the other process says: %w", err)
	}
	if m.Step == "" {
		return message{}, errors.New("read what the other process says: it names no step")
	}
	return m, nil
}
