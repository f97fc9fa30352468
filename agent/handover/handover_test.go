package handover

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// between returns both ends, of which the one is of a process that never was another.
func between(t *testing.T) (*Successor, int) {
	t.Helper()
	ours, theirs, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	s := &Successor{line: ours, ended: make(chan *os.ProcessState, 1)}
	s.ended <- nil
	t.Cleanup(s.Release)
	return s, theirs
}

type body struct {
	Text string `json:"text"`
}

func TestWhatIsGivenArrivesStepByStep(t *testing.T) {
	t.Parallel()
	s, theirs := between(t)
	if err := s.line.send(message{Step: Offer, Protocol: Protocol, Version: "1", Place: "/state.db"}, nil); err != nil {
		t.Fatal(err)
	}
	p, err := accept(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version() != "1" || p.Place() != "/state.db" {
		t.Errorf("offered are version %q and %q", p.Version(), p.Place())
	}
	if _, there := p.Listener("api"); there {
		t.Error("a socket that nobody offered is there")
	}
	if err := p.Say(Prepared, "2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), Prepared, time.Minute); err != nil || s.Version() != "2" {
		t.Errorf("prepared is version %q: %v", s.Version(), err)
	}
	long := strings.Repeat("x", 1<<20) // more than fits into the socket
	given := make(chan error, 1)
	go func() { given <- s.Give(State, body{long}) }()
	var got body
	if err := p.Await(t.Context(), State, &got); err != nil || got.Text != long {
		t.Errorf("%d bytes arrived: %v", len(got.Text), err)
	}
	if err := <-given; err != nil {
		t.Error(err)
	}
	if err := s.Give(Rest, body{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Await(t.Context(), Instances, &got); err == nil {
		t.Error("a step was left out, and nobody says so")
	}
	s.Release()
	if err := p.Await(t.Context(), Instances, &got); !errors.Is(err, ErrGone) {
		t.Errorf("the other one has gone: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// The other agent is of another version, or no agent at all.
func TestWhatCannotBeUnderstoodIsRefusedAndSaid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		offer, want string
	}{
		"another protocol": {`{"step":"offer","protocol":2,"version":"9"}`, "the agent that runs hands over by protocol 2, and this one takes over by protocol 1"},
		"no protocol":      {`{"step":"offer"}`, "by protocol 0"},
		"another step":     {`{"step":"state"}`, `said "state", and was to say "offer"`},
		"no step":          {`{}`, "names no step"},
		"no JSON":          {`hello`, "read what the other process says"},
		"too many sockets": {`{"step":"offer","protocol":1,"listeners":["","","","","","","","","","","","","","","","",""]}`, "offers 17 sockets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, theirs := between(t)
			if _, err := s.line.conn.Write([]byte(tt.offer + "\n")); err != nil {
				t.Fatal(err)
			}
			if _, err := accept(theirs); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if err := s.Await(t.Context(), Prepared, time.Minute); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the agent that runs hears: %v, want %s", err, tt.want)
			}
		})
	}
}

// Fields that a newer agent adds are passed over.
func TestWhatIsNewIsPassedOver(t *testing.T) {
	t.Parallel()
	s, theirs := between(t)
	if _, err := s.line.conn.Write([]byte(`{"step":"offer","protocol":1,"new":{}}` + "\n" + `{"step":"state","body":{"text":"a","new":1}}` + "\n")); err != nil {
		t.Fatal(err)
	}
	p, err := accept(theirs)
	if err != nil {
		t.Fatal(err)
	}
	var got body
	if err := p.Await(t.Context(), State, &got); err != nil || got.Text != "a" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestNobodyIsWaitedForLongerThanSaid(t *testing.T) {
	t.Parallel()
	s, theirs := between(t)
	other, err := newLine(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), Prepared, 20*time.Millisecond); err == nil || err.Error() != "the new agent was not prepared within 20ms" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("told to stop"))
	if err := s.Await(ctx, Prepared, time.Minute); err == nil || err.Error() != "told to stop" {
		t.Error(err)
	}
	if err := other.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), Prepared, time.Minute); err == nil || !strings.Contains(err.Error(), "the new agent ended") {
		t.Error(err)
	}
}

// A listener whose descriptor was handed on still wakes up when its deadline comes: it is no blocking one.
func TestListenerThatIsHandedOnGoesOnAsItWas(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s, err := Start(Program{Path: "/bin/sh", Args: []string{"sh", "-c", "read offer <&3; exec sleep 60"}}, "/state.db", []Listener{{"api", l}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"step":"offer","protocol":1,"version":"1","place":"/","listeners":["api"]}`, `{"step":"state","body":{"a":[]}}`, `{}`, `x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err == nil && m.Step == "" {
			t.Error("a message without a step")
		}
	})
}
