package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
)

const (
	preferred = 150
	other     = 100
)

// virtual returns the address of a virtual router.
func virtual(vrid int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 1, byte(vrid)}), 16)
}

// program is a VRRP implementation on one director. It begins with its instances each time it is started.
type program interface {
	start(ctx context.Context) error
	stop() error
	// group is the process group that it runs in.
	group() int
}

// pair is two directors with the same program, and a client that watches them.
type pair struct {
	*bench.Site
	d1, d2 program // d1 is preferred
	wire   *wire
}

// virtualRouters are those of both directors, numbered from 1 on.
type virtualRouters struct {
	count    int
	interval time.Duration
	// addresses of each, excluded ones included; 0 and 1 are one. Agents alone heed it, and virtualMAC.
	addresses  int
	virtualMAC bool
}

// newPair makes a network with a client. The programs are not there yet.
func newPair(ctx context.Context) (_ *pair, err error) {
	p := &pair{}
	if p.Site, err = bench.NewSite(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	p.wire, err = watch(p.Client)
	return p, err
}

// startTogether starts both at the same time, as when the power comes back.
func (p *pair) startTogether(ctx context.Context) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return p.d1.start(ctx) })
	both.Go(func() error { return p.d2.start(ctx) })
	return both.Wait()
}

func (p *pair) close() error {
	var errs []error
	if p.wire != nil {
		errs = append(errs, p.wire.close())
	}
	return errors.Join(append(errs, p.Close())...)
}

// agents makes a pair of ours.
func agents(ctx context.Context, binary, dir string, v virtualRouters) (*pair, error) {
	p, err := newPair(ctx)
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, "agents-"); err == nil {
		err = p.installAgents(binary, dir, v)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pair) installAgents(binary, dir string, v virtualRouters) error {
	ca, err := lab.NewCA(dir)
	if err != nil {
		return err
	}
	all := lab.Agent{Binary: binary, Dir: dir, CA: ca, Token: "bench"}
	one, err := all.Install(p.H1, bench.Address1())
	if err != nil {
		return err
	}
	two, err := all.Install(p.H2, bench.Address2())
	p.d1, p.d2 = &agent{Director: one, routers: v, priority: preferred}, &agent{Director: two, routers: v, priority: other}
	return err
}

type agent struct {
	*lab.Director
	routers  virtualRouters
	priority int
	puts     []time.Duration // how long each instance took to be put; once there, they are on disk
}

func (a *agent) start(ctx context.Context) error {
	if err := a.Start(ctx); err != nil || len(a.puts) > 0 {
		return err
	}
	for vrid := 1; vrid <= a.routers.count; vrid++ {
		began := time.Now()
		if err := a.put(ctx, vrid); err != nil {
			return err
		}
		a.puts = append(a.puts, time.Since(began))
	}
	return nil
}

// failover asks the agent to hand over (POST), or to take part again (DELETE).
func (a *agent) failover(ctx context.Context, method string) error {
	return a.call(ctx, method, "/v1/vrrp-instances/v1/failover", "")
}

func (a *agent) call(ctx context.Context, method, path, body string) error {
	status, answer, err := a.Call(ctx, method, path, body)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: the agent answered %d %s", method, path, status, answer)
	}
	return err
}

func (a *agent) stop() error { return a.Stop() }
func (a *agent) group() int  { return a.PID() }

// keepaliveds makes a pair of Debian's keepalived.
func keepaliveds(ctx context.Context, v virtualRouters) (*pair, error) {
	p, err := newPair(ctx)
	if err != nil {
		return nil, err
	}
	p.d1, p.d2 = &keepalived{host: p.H1, routers: v, priority: preferred}, &keepalived{host: p.H2, routers: v, priority: other}
	return p, nil
}

type keepalived struct {
	host     *lab.Host
	routers  virtualRouters
	priority int
	running  *lab.Keepalived
}

func (k *keepalived) start(ctx context.Context) (err error) {
	config := &strings.Builder{}
	fmt.Fprintf(config, "global_defs {\n\tvrrp_version 3\n}\n")
	for vrid := 1; vrid <= k.routers.count; vrid++ {
		fmt.Fprintf(config, "vrrp_instance v%d {\n\tstate BACKUP\n\tinterface eth0\n\tvirtual_router_id %d\n\tpriority %d\n\tadvert_int %g\n\tvirtual_ipaddress {\n\t\t%s\n\t}\n}\n",
			vrid, vrid, k.priority, k.routers.interval.Seconds(), virtual(vrid))
	}
	k.running, err = k.host.StartKeepalived(context.WithoutCancel(ctx), config.String(), "--vrrp")
	return err
}

func (k *keepalived) stop() error { return k.running.Stop() }
func (k *keepalived) group() int  { return k.running.PID() }

// both makes the two pairs that a part compares, and takes them down after it.
func both(ctx context.Context, s settings, dir string, v virtualRouters, compare func(ours, theirs *pair) error) (err error) {
	ours, err := agents(ctx, s.agent, filepath.Clean(dir), v)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	theirs, err := keepaliveds(ctx, v)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.close()) }()
	return compare(ours, theirs)
}
