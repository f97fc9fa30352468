package main

import (
	"context"
	"fmt"
	"strings"
)

// mostRequests is what a plan of any number of real servers may ask two directors.
const mostRequests = 4

// measureServers plans many real servers that are as they should be, beside the same with an empty provider.
func measureServers(ctx context.Context, c *cluster, t *table) error {
	const attributes = "\n  count          = %d\n  virtual_server = %s\n  address        = cidrhost(\"10.0.0.0/16\", count.index + 1)\n  port           = 80\n}\n"
	ours, err := c.workspace("lvs", c.providerBlock()+service+"resource \"lvs_real_server\" \"web\" {"+fmt.Sprintf(attributes, c.servers, "lvs_virtual_server.web.name"))
	if err != nil {
		return err
	}
	empty, err := c.workspace("empty", "resource \"empty_real_server\" \"web\" {"+fmt.Sprintf(attributes, c.servers, `"web"`))
	if err != nil {
		return err
	}
	created, err := ours.run(ctx, "plan")
	if err != nil {
		return err
	}
	asked := c.requests()
	createdEmpty, err := empty.run(ctx, "plan")
	if err != nil {
		return err
	}
	applied, err := ours.apply(ctx)
	if err != nil {
		return err
	}
	appliedEmpty, err := empty.apply(ctx)
	if err != nil {
		return err
	}
	c.requests()
	var planned, peer cost
	var requests int64
	for range c.times { // by turns, so that other work on the machine is the same for both
		once, err := empty.plan(ctx)
		if err != nil {
			return err
		}
		peer = least(peer, once)
		if once, err = ours.plan(ctx); err != nil {
			return err
		}
		planned, requests = least(planned, once), max(requests, c.requests())
	}
	what := fmt.Sprintf("%d real servers on two directors", c.servers)
	t.figure(what+": plan to create them", created)
	t.figure("  of the empty provider", createdEmpty)
	t.count("  requests to the directors", asked)
	t.figure(what+": apply", applied)
	t.figure("  of the empty provider", appliedEmpty)
	t.figure(what+": plan of no change", planned)
	t.ratio("  of the empty provider", peer, planned, 1.3)
	t.number("  requests to the directors", requests, mostRequests)
	_, err = ours.destroy(ctx)
	return err
}

const service = `
resource "lvs_virtual_server" "web" {
  name              = "web"
  address           = "192.0.2.100"
  port              = 80
  forwarding_method = "dr"
}
`

// pool writes a map of real servers.
func pool(servers int) string {
	var text strings.Builder
	text.WriteString("{\n")
	for i := range servers {
		fmt.Fprintf(&text, "    \"10.%d.%d.%d:80\" = { weight = 1 }\n", i>>16, i>>8&255, i&255)
	}
	text.WriteString("  }")
	return text.String()
}
