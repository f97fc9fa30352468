// Package flood keeps a flood of log lines from filling a disk: what repeats itself is counted, and the count is said.
//
// It knows slog alone.
package flood

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// window is the time over which lines are counted.
	window = 10 * time.Second
	// sameLines is how often the same line, attributes included, is written in a window.
	sameLines = 5
	// sameMessages is how often lines with the same message are, whatever their attributes: each of some thousand
	// servers may fail, and be named, and no flood of more is read by anybody.
	sameMessages = 2000
	// maxLines bounds the memory of it: with more different lines in a window none is found to repeat itself.
	maxLines = 10_000
)

// Exempt is the key of an attribute by which a line is always written: an audit must be complete.
const Exempt = "audit"

// leftOut is the message that says how many lines there were.
const leftOut = "left out lines that repeat themselves"

// Handler passes records on to another one. Those below Info are passed on as they are: who asks for them wants them.
type Handler struct {
	next  slog.Handler
	bound string // what WithAttrs and WithGroup have added, as text
	seen  *seen
}

// NewHandler returns a Handler in front of next.
func NewHandler(next slog.Handler) *Handler { return &Handler{next: next, seen: &seen{}} }

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		c.bound += a.String() + "\n"
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	c.bound += name + "\n"
	return &c
}

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo || isExempt(r) {
		return h.next.Handle(ctx, r)
	}
	var line strings.Builder
	line.WriteString(r.Message + "\n" + h.bound)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(a.String() + "\n")
		return true
	})
	if !h.seen.admit(r.Message, line.String(), func(n int) { h.say(r.Level, r.Message, n) }) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func isExempt(r slog.Record) (exempt bool) {
	r.Attrs(func(a slog.Attr) bool {
		exempt = a.Key == Exempt
		return !exempt
	})
	return exempt
}

// say writes how many lines with a message were left out.
func (h *Handler) say(level slog.Level, message string, n int) {
	r := slog.NewRecord(time.Now(), level, leftOut, 0)
	r.AddAttrs(slog.String("message", message), slog.Int("lines", n), slog.Duration("within", window))
	_ = h.next.Handle(context.Background(), r) // as with every line: nobody could be told
}

// seen counts the lines of a window.
type seen struct {
	mu    sync.Mutex
	since time.Time
	// lines is how often each came, messages how many lines with each were written.
	lines    map[string]int
	messages map[string]int
	out      map[string]*leaving
}

// leaving is what of a message's lines was left out.
type leaving struct {
	lines int
	say   func(lines int)
}

// admit counts a line and reports whether it is to be written. When the first of a window is not, say is called at
// the window's end with how many there were.
func (s *seen) admit(message, line string, say func(lines int)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.since) >= window {
		s.since, s.lines, s.messages = now, map[string]int{}, map[string]int{}
	}
	if len(s.lines) < maxLines || s.lines[line] > 0 {
		s.lines[line]++
	}
	if s.lines[line] <= sameLines && s.messages[message] < sameMessages {
		s.messages[message]++
		return true
	}
	if s.out == nil {
		s.out = map[string]*leaving{}
		time.AfterFunc(window-time.Since(s.since), s.tell)
	}
	if s.out[message] == nil {
		s.out[message] = &leaving{say: say}
	}
	s.out[message].lines++
	return false
}

// tell says what was left out.
func (s *seen) tell() {
	s.mu.Lock()
	out := s.out
	s.out = nil
	s.mu.Unlock()
	for _, l := range out {
		l.say(l.lines)
	}
}
