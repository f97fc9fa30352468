package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

const (
	interval  = 100 * time.Millisecond
	preferred = 150
	other     = 100
	token     = "bench"
)

// pair is two directors, and the clients' host.
type pair struct {
	*bench.Site
	ca      *lab.CA
	d1, d2  *lab.Director // d1 is active
	adverts *adverts
	tls     *tls.Config
}

// newPair starts two directors with the same virtual routers and virtual servers, and returns when d1 is active.
func newPair(ctx context.Context, s settings, dir string) (_ *pair, err error) {
	p := &pair{}
	if p.Site, err = bench.NewSite(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.adverts, err = hear(p.H1); err != nil {
		return nil, err
	}
	if p.ca, err = lab.NewCA(dir); err != nil {
		return nil, err
	}
	if p.tls, err = trusting(p.ca); err != nil {
		return nil, err
	}
	all := lab.Agent{Binary: s.agent, Dir: dir, CA: p.ca, Token: token}
	if p.d1, err = all.Install(p.H1, bench.Address1()); err != nil {
		return nil, err
	}
	if p.d2, err = all.Install(p.H2, bench.Address2()); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		*lab.Director
		priority int
	}{{p.d1, preferred}, {p.d2, other}} {
		if err := bench.Fill(filepath.Join(dir, d.Host.Name(), "state", "state.db"), desired(s)); err != nil {
			return nil, err
		}
		if err := d.Start(ctx); err != nil {
			return nil, err
		}
		for vrid := 1; vrid <= s.routers; vrid++ {
			body := fmt.Sprintf(`{"virtual_router_id":%d,"interface":"eth0","priority":%d,"advertisement_interval":%q,"virtual_addresses":["198.18.1.%d/16"]}`, vrid, d.priority, interval, vrid)
			status, answer, err := d.Call(ctx, http.MethodPut, "/v1/vrrp-instances/v"+strconv.Itoa(vrid), body)
			if err != nil || status != http.StatusCreated {
				return nil, errors.Join(err, fmt.Errorf("the agent answered %d %s", status, answer))
			}
		}
		if err := p.adverts.settle(ctx, s.routers, bench.Address1()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// desired is the virtual servers, with their servers.
func desired(s settings) spec.Desired {
	d := spec.Desired{VirtualServers: map[string]spec.VirtualServer{}, RealServers: spec.Servers[spec.RealServer]{}}
	for i := range s.services {
		v := spec.DefaultVirtualServer()
		v.Address, v.Port, v.ForwardingMethod = netip.MustParseAddr("198.18.1.1"), i+1, spec.DirectRouting
		d.VirtualServers["s"+strconv.Itoa(i+1)] = v
		for n := range s.servers {
			d.RealServers.Put(spec.ServerKey{VirtualServer: "s" + strconv.Itoa(i+1), Address: server(i+1, n)}, spec.RealServer{Weight: 1})
		}
	}
	return d
}

func server(port, n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 2, byte(n + 1)}), uint16(port))
}

func trusting(ca *lab.CA) (*tls.Config, error) {
	pem, err := os.ReadFile(ca.File())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13, ServerName: bench.Address1().String(), NextProtos: []string{"http/1.1"}}, nil
}

func (p *pair) close() error {
	var errs []error
	for _, d := range []*lab.Director{p.d1, p.d2} {
		if d != nil {
			errs = append(errs, d.Stop())
		}
	}
	return errors.Join(append(errs, p.Close())...)
}
