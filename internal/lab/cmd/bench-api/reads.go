package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

// measureReads has clients ask the agent, and a server that does nothing else, for a snapshot that is still the same.
func measureReads(ctx context.Context, s settings, p *pair, t bench.Results) (err error) {
	endpoint, stop, err := p.startBare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	bare, err := p.read(ctx, s, endpoint)
	if err != nil {
		return err
	}
	p.adverts.begin()
	ours, err := p.read(ctx, s, p.d1.Endpoint)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("reads of an unchanged snapshot by %d clients", s.readers)
	t.Row("a net/http server that says 304 alone: answered", fmt.Sprintf("%.0f /s", bare.perSecond), "", "", "")
	t.AtLeast(what+": answered", ours.perSecond, float64(s.reads), "/s")
	t.Figure("    so many of those of the net/http server", fmt.Sprintf("%.0f %%", 100*ours.perSecond/bare.perSecond))
	t.Figure("    99 % took", bench.Rounded(ours.slowest))
	p.adverts.report(t, s.routers)
	return nil
}

type reading struct {
	perSecond float64
	slowest   time.Duration // of all but a hundredth
}

func (p *pair) read(ctx context.Context, s settings, endpoint string) (reading, error) {
	took := make([][]time.Duration, s.readers)
	err := p.each(ctx, endpoint, s.readers, s.duration, func(ctx context.Context, number int, c *client, _ time.Time) error {
		etag, err := c.do(c.request(http.MethodGet, "/v1/snapshot", "", ""), http.StatusOK)
		if err != nil {
			return err
		}
		again := c.request(http.MethodGet, "/v1/snapshot", "", "If-None-Match: "+etag+"\r\n")
		for ctx.Err() == nil {
			began := time.Now()
			if _, err := c.do(again, http.StatusNotModified); err != nil {
				return err
			}
			took[number] = append(took[number], time.Since(began))
		}
		return nil
	})
	all := slices.Concat(took...)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("nothing was answered in %s", s.duration)
	}
	if err != nil {
		return reading{}, err
	}
	slices.Sort(all)
	return reading{perSecond: float64(len(all)) / s.duration.Seconds(), slowest: all[len(all)*99/100]}, nil
}

// startBare starts the server beside the agent, on the same host.
func (p *pair) startBare(ctx context.Context) (endpoint string, stop func() error, err error) {
	cert, key, err := p.ca.Issue("bare", bench.Address1())
	if err != nil {
		return "", nil, err
	}
	return startBare(ctx, p.H1, bare{cert: cert, key: key, listen: bench.Address1().String() + ":8444"})
}
