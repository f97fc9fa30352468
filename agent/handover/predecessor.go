package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// offerTimeout bounds the wait for the offer, which is there before the process is.
const offerTimeout = 10 * time.Second

// maxListeners bounds the sockets of an offer.
const maxListeners = 16

// Predecessor is the running process, as the new one sees it.
type Predecessor struct {
	line      *line
	version   string
	place     string
	listeners map[string]net.Listener
}

// FromEnvironment returns the process whose place this one is to take; nil where there is none. It is called once,
// before the process starts others or opens anything.
func FromEnvironment() (*Predecessor, error) {
	value, ok := os.LookupEnv(variable)
	if !ok {
		return nil, nil
	}
	if err := os.Unsetenv(variable); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s is %q, which is no descriptor: it is for agents that start another one", variable, value)
	}
	for i := range maxListeners + 1 {
		syscall.CloseOnExec(fd + i)
	}
	return accept(fd)
}

func accept(fd int) (_ *Predecessor, err error) {
	l, err := newLine(fd)
	if err != nil {
		return nil, fmt.Errorf("take over: %w", err)
	}
	p := &Predecessor{line: l, listeners: map[string]net.Listener{}}
	defer func() {
		if err != nil {
			p.Refuse(err)
			err = fmt.Errorf("take over: %w", errors.Join(err, p.Close()))
		}
	}()
	offer, err := l.receive(context.Background(), time.Now().Add(offerTimeout))
	switch {
	case err != nil:
		return nil, err
	case offer.Step != Offer:
		return nil, fmt.Errorf("the agent that runs said %q, and was to say %q", offer.Step, Offer)
	case offer.Protocol != Protocol:
		return nil, fmt.Errorf("the agent that runs hands over by protocol %d, and this one takes over by protocol %d: stop the one and start the other", offer.Protocol, Protocol)
	case len(offer.Listeners) > maxListeners:
		return nil, fmt.Errorf("the agent that runs offers %d sockets", len(offer.Listeners))
	}
	p.version, p.place = offer.Version, offer.Place
	for i, name := range offer.Listeners {
		f := os.NewFile(uintptr(fd+1+i), name) // #nosec G115 -- a descriptor
		listener, err := net.FileListener(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("take over the socket %s: %w", name, err)
		}
		p.listeners[name] = listener
	}
	return p, nil
}

// Version returns that of the running process.
func (p *Predecessor) Version() string { return p.version }

// Place returns where its state is.
func (p *Predecessor) Place() string { return p.place }

// Listener returns the socket of that name, which is the caller's from then on. ok is false when there is none.
func (p *Predecessor) Listener(name string) (_ net.Listener, ok bool) {
	l, ok := p.listeners[name]
	delete(p.listeners, name)
	return l, ok
}

// Say tells the running process that a step is done.
func (p *Predecessor) Say(step Step, version string) error {
	return p.line.send(message{Step: step, Version: version}, nil)
}

// Refuse tells the running process why it has to go on.
func (p *Predecessor) Refuse(why error) {
	_ = p.line.send(message{Step: Refused, Reason: why.Error()}, nil) // it will notice that nobody is there
}

// ErrGone says that the running process ended, or gave up, before it had handed everything over.
var ErrGone = errors.New("the agent that runs does not hand over any more")

// Await returns what the running process gives at a step. There is no time by which it has to: it may be waiting for
// others. It is ErrGone when that process does not go on.
func (p *Predecessor) Await(ctx context.Context, step Step, body any) error {
	m, err := p.line.receive(ctx, time.Time{})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return ErrGone
	case err != nil:
		return err
	case m.Step != step:
		return fmt.Errorf("the agent that runs said %q, and was to say %q", m.Step, step)
	}
	if err := decode(m.Body, body); err != nil {
		return fmt.Errorf("read the %s that is handed over: %w", step, err)
	}
	return nil
}

// Close closes the connection and the sockets that nobody asked for.
func (p *Predecessor) Close() error {
	errs := []error{p.line.conn.Close()}
	for _, l := range p.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
