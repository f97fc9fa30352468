package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// story tells what happens, a line a step, with dots while the listener waits.
type story struct {
	out   io.Writer
	steps int
}

// tick is how often a dot shows that something still goes on.
const tick = time.Second

// tell does a step and says how it went. The step returns what is to be said of it.
func (s *story) tell(ctx context.Context, title string, step func(context.Context) (result string, err error)) error {
	s.steps++
	s.printf("%2d. %s ", s.steps, title)
	waiting, done := context.WithCancel(ctx)
	var dots sync.WaitGroup
	dots.Go(func() {
		for {
			select {
			case <-waiting.Done():
				return
			case <-time.After(tick):
				s.printf(".")
			}
		}
	})
	result, err := step(ctx)
	done()
	dots.Wait()
	if err != nil {
		s.printf(" FAILED\n")
		return fmt.Errorf("step %d, %s: %w", s.steps, title, err)
	}
	first, rest, _ := strings.Cut(result, "\n")
	s.printf(" %s\n", first)
	for line := range strings.Lines(rest) {
		s.printf("      %s\n", strings.TrimRight(line, "\n"))
	}
	return nil
}

func (s *story) printf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(s.out, format, arguments...) // nobody is left to be told
}
