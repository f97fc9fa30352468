package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// measureWrites has clients change weights at a rate, each write due at a time of its own whether those before it were
// answered or not, and then as fast as they are answered.
func measureWrites(ctx context.Context, s settings, p *pair, t bench.Results) error {
	p.adverts.begin()
	took, err := p.write(ctx, s, float64(s.writes))
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d writes a second by %d clients", s.writes, s.writers)
	t.AtLeast(what+": answered", float64(len(took))/s.duration.Seconds(), 0.99*float64(s.writes), "/s")
	t.Figure(what+": median, from when it was due", bench.Rounded(took[len(took)/2]))
	t.Time(what+": 99 %", took[len(took)*99/100], 50*time.Millisecond)
	p.adverts.report(t, s.routers)

	p.adverts.begin()
	if took, err = p.write(ctx, s, 0); err != nil {
		return err
	}
	t.Figure("as many writes as there can be: answered", fmt.Sprintf("%.0f /s", float64(len(took))/s.duration.Seconds()))
	p.adverts.report(t, s.routers)
	return nil
}

// write returns how long each write took, in order; a rate of 0 is no rate.
func (p *pair) write(ctx context.Context, s settings, rate float64) ([]time.Duration, error) {
	took := make([][]time.Duration, s.writers)
	err := p.each(ctx, p.d1.Endpoint, s.writers, s.duration, func(ctx context.Context, number int, c *client, began time.Time) error {
		for n := number; ctx.Err() == nil; n += s.writers {
			due := time.Now()
			if rate > 0 {
				due = began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Until(due)):
			}
			service := n%s.services + 1
			path := fmt.Sprintf("/v1/virtual-servers/s%d/real-servers/%s", service, server(service, n/s.services%s.servers))
			if _, err := c.do(c.request(http.MethodPut, path, `{"weight":`+strconv.Itoa(1+n%60000)+`}`, ""), http.StatusOK); err != nil {
				return err
			}
			took[number] = append(took[number], time.Since(due))
		}
		return nil
	})
	all := slices.Concat(took...)
	slices.Sort(all)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("nothing was answered in %s", s.duration)
	}
	return all, err
}
