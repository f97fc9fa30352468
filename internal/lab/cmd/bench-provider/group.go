package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// measureGroup applies a group of very many real servers, plans it, changes one of them, and destroys it.
func measureGroup(ctx context.Context, c *cluster, t *table) error {
	servers := pool(c.pool)
	written := func(servers string) (workspace, error) {
		return c.workspace("lvs", c.providerBlock()+service+
			"resource \"lvs_real_server_group\" \"web\" {\n  virtual_server = lvs_virtual_server.web.name\n  servers = "+servers+"\n}\n")
	}
	var applied, planned, changed, destroyed cost
	var requests int64
	for range c.times {
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
				c.requests()
				once, err := w.plan(ctx)
				requests = max(requests, c.requests())
				return once, err
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
	what := fmt.Sprintf("a group of %d on two directors", c.pool)
	t.time(what+": apply", applied, 10*time.Second)
	t.time(what+": plan of no change", planned, 5*time.Second)
	t.number("  requests to the directors", requests, mostRequests)
	t.figure(what+": apply of one weight", changed)
	t.figure(what+": destroy", destroyed)
	return nil
}
