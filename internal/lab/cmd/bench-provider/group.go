package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// measureGroup applies a group of very many real servers, plans it, changes one of them, and destroys it.
func measureGroup(ctx context.Context, b *bench, t *table) error {
	servers := pool(b.pool)
	written := func(servers string) (workspace, error) {
		return b.workspace("lvs", b.providerBlock()+service+
			"resource \"lvs_real_server_group\" \"web\" {\n  virtual_server = lvs_virtual_server.web.name\n  servers = "+servers+"\n}\n")
	}
	var applied, planned, changed, destroyed cost
	var requests int64
	for range b.times {
		w, err := written(servers)
		if err != nil {
			return err
		}
		steps := []struct {
			do   func(context.Context) (cost, error)
			cost *cost
		}{
			{w.apply, &applied},
			{func(ctx context.Context) (cost, error) {
				b.requests()
				c, err := w.plan(ctx)
				requests = max(requests, b.requests())
				return c, err
			}, &planned},
			{func(ctx context.Context) (cost, error) {
				if _, err := written(strings.Replace(servers, "weight = 1", "weight = 2", 1)); err != nil {
					return cost{}, err
				}
				return w.apply(ctx)
			}, &changed},
			{w.destroy, &destroyed},
		}
		for _, step := range steps {
			c, err := step.do(ctx)
			if err != nil {
				return err
			}
			*step.cost = least(*step.cost, c)
		}
	}
	what := fmt.Sprintf("a group of %d on two directors", b.pool)
	t.time(what+": apply", applied, 10*time.Second)
	t.time(what+": plan of no change", planned, 5*time.Second)
	t.number("  requests to the directors", requests, mostRequests)
	t.figure(what+": apply of one weight", changed)
	t.figure(what+": destroy", destroyed)
	return nil
}
