package check

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	// First rounds of checks that came together begin firstStep apart, or less, so that the last begins within
	// firstSpread: a director that starts knows its servers soon. From then on they are spread over the
	// interval. But they are shortestStep apart at least: more at once than the machine bears would run into
	// their timeouts, and servers that are well had to wait for their second round.
	firstStep    = 10 * time.Millisecond
	firstSpread  = time.Second
	shortestStep = 2 * time.Millisecond
	// together is how much earlier than due a round begins along with others, so that a crowd takes fewer
	// wake-ups, but not by more than a sixteenth of its interval.
	together = 5 * time.Millisecond
	// perTurn is how many rounds begin before others have a turn at what the Checker knows.
	perTurn = 64
	// stuckGrace is how long a round may take to come home after its timeout, or after it was stopped.
	stuckGrace = time.Second
)

var errStuck = errors.New("the check does not end, though its time is up")

// Run checks until the context ends, and returns nil when the last round is over. It is called once.
func (c *Checker) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	following.Go(func() { c.followPresence(ctx) })
	defer context.AfterFunc(ctx, c.starter.Wake)()
	for ctx.Err() == nil {
		if err := c.starter.Wait(c.turn(ctx)); err != nil {
			return err
		}
	}
	c.rest()
	return nil
}

// rest ends the rounds under way and waits for them.
func (c *Checker) rest() {
	c.mu.Lock()
	for _, s := range c.running {
		s.end(context.Canceled)
	}
	c.mu.Unlock()
	over := make(chan struct{})
	go func() {
		c.rounds.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(stuckGrace): // left behind; there is nothing more that could be done
	}
}

// hint has Run look again. The caller has the lock.
func (c *Checker) hint() { c.starter.Wake() }

// longest is how long Run sleeps with nothing to do.
const longest = time.Hour

// turn begins what is due, and returns the time until something else is.
func (c *Checker) turn(ctx context.Context) time.Duration {
	c.mu.Lock()
	now := time.Now()
	c.place(now)
	var news news
	for s := c.running.next(); s != nil && !s.due.After(now); s = c.running.next() {
		c.overdue(s, now, &news)
	}
	free := func() bool { return c.underWay() < c.limit }
	begun := 0
	for s := c.waiting.next(); s != nil && free() && begun < perTurn && s.due.Sub(now) <= min(together, s.round.interval/16); s = c.waiting.next() {
		c.begin(ctx, s, now)
		begun++
	}
	c.armed = now.Add(longest)
	if s := c.running.next(); s != nil && s.due.Before(c.armed) {
		c.armed = s.due
	}
	if s := c.waiting.next(); s != nil && free() && s.due.Before(c.armed) {
		c.armed = s.due
	}
	wait := c.armed.Sub(now)
	c.mu.Unlock()
	news.tell(c)
	return wait
}

// underWay returns how many rounds go on of which something is still to be expected.
func (c *Checker) underWay() int { return len(c.running) - c.stuck }

// place gives series their first time.
func (c *Checker) place(now time.Time) {
	fresh := slices.DeleteFunc(c.fresh, func(s *series) bool { return len(s.targets) == 0 })
	slices.SortFunc(fresh, func(a, b *series) int { return a.targets[0].id.compare(b.targets[0].id) })
	for i, s := range fresh {
		step := min(firstStep, max(shortestStep, firstSpread/time.Duration(len(fresh))))
		s.due = now.Add(time.Duration(i) * step)
		c.waiting.add(s)
	}
	c.fresh = nil
}

// begin begins a round.
func (c *Checker) begin(ctx context.Context, s *series, now time.Time) {
	c.waiting.remove(s)
	c.tally.begun(now.Sub(s.due), s.round.interval)
	s.begun = s.due
	if s.timed = c.start(s, now); s.timed {
		s.due = now.Add(s.round.timeout)
	} else {
		s.due = now.Add(s.round.timeout + stuckGrace)
		c.spawn(ctx, s, now)
	}
	c.running.add(s)
}

// start begins a round that takes no goroutine, and reports false of another.
func (c *Checker) start(s *series, now time.Time) (started bool) {
	if s.round.server == nil {
		return false
	}
	c.rounds.Add(1)
	s.end, started = c.starter.Start(*s.round.server, func(at time.Time, err error) {
		defer c.rounds.Done()
		c.home(s, newResult(at, at.Sub(now), err), errors.Is(err, context.Canceled))
	})
	if !started {
		c.rounds.Done()
	}
	return started
}

// spawn has a round done by a goroutine, until its timeout.
func (c *Checker) spawn(ctx context.Context, s *series, now time.Time) {
	ctx, cancel := withTimeout(ctx, s.round.timeout)
	s.end = func(error) { cancel() }
	r := s.round
	c.rounds.Go(func() {
		defer cancel()
		err := r.probe(ctx, c.prober)
		at := time.Now()
		c.home(s, newResult(at, at.Sub(now), err), errors.Is(ctx.Err(), context.Canceled))
	})
}

// overdue ends a round whose time is up, or notes that it does not heed its timeout, such as that of a script that the
// kernel cannot kill because it waits for a dead disk. That is a failure each interval for as long as it takes, and
// others no longer wait for it.
func (c *Checker) overdue(s *series, now time.Time, n *news) {
	if s.timed {
		s.timed = false
		c.running.put(s, now.Add(stuckGrace))
		s.end(timeoutError{s.round.timeout})
		return
	}
	if !s.stuck {
		s.stuck = true
		c.stuck++
		c.tally.stuck++
	}
	c.running.put(s, now.Add(s.round.interval))
	if len(s.targets) == 0 {
		return
	}
	c.settle(s, result{at: now, took: now.Sub(s.begun), err: errStuck}, n)
}

// home takes a result, unless the round was stopped, and has the next one wait for its time.
func (c *Checker) home(s *series, r result, stopped bool) {
	c.mu.Lock()
	c.running.remove(s)
	s.end = nil
	counted := s.stuck && r.err != nil // as a failure, when its time was up
	if s.stuck {
		s.stuck = false
		c.stuck--
	}
	first := s.last.at.IsZero()
	var news news
	if len(s.targets) > 0 && !stopped {
		if !counted {
			c.settle(s, r, &news)
		}
		gap := s.round.interval
		if first {
			// From here on the rounds lie anywhere in the interval.
			gap = time.Duration((0.5 + c.jitter()) * float64(gap))
		}
		c.tally.skipped += uint64(s.schedule(r.at, gap)) // #nosec G115 -- not negative
		c.waiting.add(s)
	}
	if c.underWay() == c.limit-1 || c.waiting.next() == s && s.due.Before(c.armed) {
		c.hint()
	}
	c.mu.Unlock()
	news.tell(c)
}

// settle has all targets of a series count a result.
func (c *Checker) settle(s *series, r result, n *news) {
	c.tally.rounds++
	s.last = r
	for _, t := range s.targets {
		before := t.counter.verdict
		if t.weigh(r) {
			n.add(t.id)
		}
		if t.record(r) {
			c.told(t, before)
			n.add(t.id)
		} else if r.err != nil && c.log.Enabled(context.Background(), slog.LevelDebug) {
			c.logOf(t).Debug("check failed", "reason", r.err)
		}
	}
}

// told logs a verdict that has changed, and tells of one on a script. What becomes of a server is for others to
// tell: its verdict is not all that decides.
func (c *Checker) told(t *target, before Verdict) {
	c.logOf(t).Info("verdict changed", "verdict", t.counter.verdict.String(), "reason", t.reason)
	if t.id.script == "" {
		return
	}
	change := &spec.StateChange{To: t.counter.verdict.String()}
	if before != Unknown {
		change.From = before.String()
	}
	c.publish(spec.Event{Type: spec.EventStateChanged, Kind: spec.KindCheckScript, Name: t.id.script, Reason: t.reason, State: change})
}

func (c *Checker) logOf(t *target) *slog.Logger {
	if t.id.script != "" {
		return c.log.With("check", t.id.script)
	}
	return c.log.With("service", t.id.server.VirtualServer, "server", t.id.server.Address.String())
}

// news is what verdicts have changed on.
type news struct {
	script   bool
	services []string
}

func (n *news) add(of id) {
	switch name := of.server.VirtualServer; {
	case of.script != "":
		n.script = true
	case !slices.Contains(n.services, name):
		n.services = append(n.services, name)
	}
}

// tell tells whoever wants to know. The caller does not have the lock.
func (n *news) tell(c *Checker) {
	if n.script {
		c.changed()
	}
	if n.services != nil {
		c.changed(n.services...)
	}
}
