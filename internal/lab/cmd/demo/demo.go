package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// The network that examples/ha-pair-dr describes.
var (
	vip     = netip.MustParsePrefix("192.0.2.100/24")
	service = netip.AddrPortFrom(vip.Addr(), 80)
)

const (
	subnet          = "192.0.2."
	advertisement   = time.Second
	backupPriority  = 100
	probeInterval   = 20 * time.Millisecond
	failoverStretch = 1.3 // of the theoretical takeover time
	patience        = 30 * time.Second
	writesMetric    = "lvs_ipvs_writes_total"
)

// demo is the pair of directors, what stands around it, and the files it all runs from.
type demo struct {
	*story
	dir, agent, provider, example, terraform string

	network *lab.Network
	client  *lab.Host
	d1, d2  *lab.Director
	tf      *lab.Terraform
	probe   *lab.Probe
	tasks   sync.WaitGroup
}

func (d *demo) run(ctx context.Context) (err error) {
	start := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer func() { err = errors.Join(err, d.close(cancel)) }()
	for _, step := range []struct {
		title string
		do    func(context.Context) (string, error)
	}{
		{"A client, two directors and two real servers on one switch", d.build},
		{"An lvs-agent on each director, with TLS and a token", d.startAgents},
		{"terraform init and apply of examples/ha-pair-dr", d.apply},
		{"The client asks " + service.String(), d.ask},
		{"ipvsadm -Ln on both directors", d.tables},
		{"terraform apply again", d.applyAgain},
		{"kill -9 of the backup's agent, and a restart", d.restart},
		{"kill -9 of the active director's agent, and its link cut", d.failover},
		{"The director comes back", d.comeBack},
		{"Behind Terraform's back, d2's API gets weight 9 for 192.0.2.22:80; terraform plan", d.drift},
		{"terraform apply, and plan again", d.repair},
		{"terraform destroy", d.destroy},
	} {
		if err := d.tell(ctx, step.title, step.do); err != nil {
			return err
		}
	}
	d.printf("\nAll as told, in %s.\n", time.Since(start).Round(100*time.Millisecond))
	return nil
}

// close ends what runs and removes the network, in whatever state the demo is.
func (d *demo) close(cancel context.CancelFunc) error {
	var errs []error
	for _, director := range []*lab.Director{d.d1, d.d2} {
		if director != nil {
			errs = append(errs, director.Kill())
		}
	}
	cancel()
	d.tasks.Wait()
	if d.network != nil {
		errs = append(errs, d.network.Close())
	}
	return errors.Join(errs...)
}

func (d *demo) build(ctx context.Context) (_ string, err error) {
	if d.network, err = lab.NewNetwork(ctx); err != nil {
		return "", err
	}
	host := func(name, last string) (h *lab.Host) {
		if err == nil {
			h, err = d.network.AddHost(name, netip.MustParsePrefix(subnet+last+"/24"))
		}
		return h
	}
	d.client = host("c", "1")
	h1, h2 := host("d1", "11"), host("d2", "12")
	servers := []*lab.Host{host("rs1", "21"), host("rs2", "22")}
	if err != nil {
		return "", err
	}
	for _, server := range servers {
		if err := server.RealServerDR(vip.Addr()); err != nil {
			return "", err
		}
		web, err := server.ListenWeb(ctx, netip.AddrPortFrom(netip.IPv4Unspecified(), 80))
		if err != nil {
			return "", err
		}
		d.tasks.Go(func() { _ = web.Run(ctx) })
	}
	ca, err := lab.NewCA(d.dir)
	if err != nil {
		return "", err
	}
	token := rand.Text()
	installed := lab.Agent{Binary: d.agent, Dir: d.dir, CA: ca, Token: token}
	if d.d1, err = installed.Install(h1, netip.MustParseAddr(subnet+"11")); err != nil {
		return "", err
	}
	if d.d2, err = installed.Install(h2, netip.MustParseAddr(subnet+"12")); err != nil {
		return "", err
	}
	d.tf, err = d.client.InstallTerraform(d.terraform, d.provider, d.example, d.dir, map[string]string{
		"token": token, "ca_cert_file": ca.File(),
	})
	d.probe = d.client.NewProbe(service, probeInterval)
	return "192.0.2.0/24; direct routing, so the real servers have the VIP on lo", err
}

func (d *demo) startAgents(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(d.d1.Start(ctx), d.d2.Start(ctx)); err != nil {
		return "", err
	}
	return d.d1.Endpoint + ", " + d.d2.Endpoint, nil
}

func (d *demo) apply(ctx context.Context) (string, error) {
	if output, err := d.tf.Run(ctx, "init"); err != nil {
		return "", fmt.Errorf("terraform init: %w\n%s", err, output)
	}
	output, err := d.tf.Run(ctx, "apply", "-auto-approve")
	if err != nil {
		return "", fmt.Errorf("terraform apply: %w\n%s", err, output)
	}
	return line(output, "Apply complete"), nil
}

// ask waits until both servers have answered, and leaves the client asking.
func (d *demo) ask(ctx context.Context) (string, error) {
	// What the probe has to say is in its figures; it ends with the network.
	d.tasks.Go(func() { _ = d.probe.Run(ctx) })
	if err := d.wait(ctx, "both servers answer", func() (bool, error) { return len(d.probe.Answers()) == 2, nil }); err != nil {
		return "", fmt.Errorf("%w; answers: %v", err, d.probe.Answers())
	}
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(d.probe.Answers())) {
		counts = append(counts, fmt.Sprintf("%s answered %d times", name, d.probe.Answers()[name]))
	}
	return strings.Join(counts, ", "), nil
}

func (d *demo) tables(ctx context.Context) (string, error) {
	first, err := d.table(ctx, d.d1)
	if err != nil {
		return "", err
	}
	second, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", fmt.Errorf("the tables differ:\n%s\n%s", first, second)
	}
	if err := d.holder(d.d1, d.d2); err != nil {
		return "", err
	}
	listing, err := d.d1.Host.Output(ctx, "ipvsadm", "-Ln")
	return "the same; d1 holds " + vip.Addr().String() + "\n" + listing, err
}

func (d *demo) applyAgain(ctx context.Context) (string, error) {
	before, err := d.writes(ctx)
	if err != nil {
		return "", err
	}
	output, err := d.tf.Run(ctx, "apply", "-auto-approve")
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	if !strings.Contains(output, "No changes") {
		return "", fmt.Errorf("it changed something:\n%s", output)
	}
	after, err := d.writes(ctx)
	if err != nil {
		return "", err
	}
	if before != after {
		return "", fmt.Errorf("%s went from %s to %s", writesMetric, before, after)
	}
	return "no changes; " + writesMetric + " (d1, d2) stays at " + after, nil
}

func (d *demo) failover(ctx context.Context) (string, error) {
	want, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	d.probe.Reset()
	if err := errors.Join(d.d1.Kill(), d.d1.Host.Cut()); err != nil {
		return "", err
	}
	if err := d.wait(ctx, "d2 holds the VIP", func() (bool, error) { return holds(d.d2) }); err != nil {
		return "", fmt.Errorf("%w\n%s", err, d.d2.Log())
	}
	answering, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.probe.WaitForAnswers(answering, 5); err != nil {
		return "", err
	}
	got, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	if got != want {
		return "", fmt.Errorf("d2's table was\n%s\nand is\n%s", want, got)
	}
	// RFC 9568 §6.1: Active_Down_Interval = 3 × Advertisement_Interval + Skew_Time.
	theory := 3*advertisement + advertisement*(256-backupPriority)/256
	gap := d.probe.Gap()
	result := fmt.Sprintf("d2 took over; largest gap %s, theoretical Active_Down_Interval %s", gap.Round(time.Millisecond), theory.Round(time.Millisecond))
	if gap > time.Duration(failoverStretch*float64(theory)) {
		return "", fmt.Errorf("%s: more than %g times as long", result, failoverStretch)
	}
	return result, nil
}

func (d *demo) restart(ctx context.Context) (string, error) {
	before, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	specs, err := d.specs(ctx, d.d2)
	if err != nil {
		return "", err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(d.d2.Kill(), d.d2.Start(starting)); err != nil {
		return "", err
	}
	if err := d.wait(ctx, "d2 has checked both servers", func() (bool, error) {
		_, status, err := d.d2.Call(ctx, "GET", "/v1/status", "")
		return strings.Count(status, `"healthy":true`) == 2, err
	}); err != nil {
		return "", err
	}
	after, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	again, err := d.specs(ctx, d.d2)
	if err != nil {
		return "", err
	}
	writes, err := d.d2.Metric(ctx, writesMetric)
	if err != nil {
		return "", err
	}
	if before != after || writes != "0" || specs != again {
		return "", fmt.Errorf("the restart changed d2 (%s writes):\n%s\n%s\nits specs were\n%s\nand are\n%s", writes, before, after, specs, again)
	}
	return "table and specs as before, nothing written to the kernel", nil
}

// specs returns what a director was asked for, without what is going on there.
func (d *demo) specs(ctx context.Context, director *lab.Director) (string, error) {
	_, answer, err := director.Call(ctx, "GET", "/v1/snapshot", "")
	if err != nil {
		return "", err
	}
	var snapshot spec.Snapshot
	if err := spec.DecodeAnswer(strings.NewReader(answer), &snapshot); err != nil {
		return "", err
	}
	var lines []string
	for name, v := range snapshot.VRRPInstances {
		lines = append(lines, "vrrp-instances/"+name+" "+v.ETag)
	}
	for name, v := range snapshot.VirtualServers {
		lines = append(lines, "virtual-servers/"+name+" "+v.ETag)
		for server, r := range v.RealServers {
			lines = append(lines, "virtual-servers/"+name+"/"+server+" "+r.ETag)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

func (d *demo) comeBack(ctx context.Context) (string, error) {
	want, err := d.table(ctx, d.d2)
	if err != nil {
		return "", err
	}
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(d.d1.Start(starting), d.d1.Host.Restore()); err != nil {
		return "", err
	}
	if err := d.wait(ctx, "d1 takes its role back", func() (bool, error) { return d.holder(d.d1, d.d2) == nil, nil }); err != nil {
		return "", fmt.Errorf("%w\n%s", err, d.d1.Log())
	}
	if err := d.wait(ctx, "d1 has the same table as d2", func() (bool, error) {
		got, err := d.table(ctx, d.d1)
		return got == want, err
	}); err != nil {
		return "", err
	}
	return "d1 resumed from its disk, holds the VIP again, and has the same table as d2", nil
}

func (d *demo) drift(ctx context.Context) (string, error) {
	status, answer, err := d.d2.Call(ctx, "PUT", "/v1/virtual-servers/web/real-servers/192.0.2.22:80", `{"weight":9}`)
	if err != nil || status != 200 {
		return "", fmt.Errorf("PUT answered %d %s: %w", status, answer, err)
	}
	changes, plan, err := d.tf.HasChanges(ctx)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, plan)
	}
	if !changes || !strings.Contains(plan, `"d2"`) || !strings.Contains(plan, "weight=9, want 1") {
		return "", fmt.Errorf("the plan does not name director and field:\n%s", plan)
	}
	return "it names director and field\n" + between(plan, "will be updated", "# (5 unchanged"), nil
}

func (d *demo) repair(ctx context.Context) (string, error) {
	if output, err := d.tf.Run(ctx, "apply", "-auto-approve"); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	changes, plan, err := d.tf.HasChanges(ctx)
	if err != nil || changes {
		return "", fmt.Errorf("there are changes left: %w\n%s", err, plan)
	}
	return line(plan, "No changes"), nil
}

func (d *demo) destroy(ctx context.Context) (string, error) {
	output, err := d.tf.Run(ctx, "destroy", "-auto-approve")
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	for _, director := range []*lab.Director{d.d1, d.d2} {
		table, err := d.table(ctx, director)
		if err != nil {
			return "", err
		}
		held, err := holds(director)
		if err != nil {
			return "", err
		}
		if table != "" || held {
			return "", fmt.Errorf("%s has the VIP: %t, and in its table:\n%s", director.Host.Name(), held, table)
		}
	}
	if err := errors.Join(d.d1.Stop(), d.d2.Stop()); err != nil {
		return "", err
	}
	return line(output, "Destroy complete") + " Tables and addresses are empty.", nil
}

// table returns a director's table as commands that would make it.
func (d *demo) table(ctx context.Context, director *lab.Director) (string, error) {
	return director.Host.Output(ctx, "ipvsadm", "-Sn")
}

// writes returns the counters of both directors.
func (d *demo) writes(ctx context.Context) (string, error) {
	first, err1 := d.d1.Metric(ctx, writesMetric)
	second, err2 := d.d2.Metric(ctx, writesMetric)
	return first + ", " + second, errors.Join(err1, err2)
}

// holder reports when the VIP is not on the one and only on the one.
func (d *demo) holder(active, backup *lab.Director) error {
	has, err1 := holds(active)
	other, err2 := holds(backup)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !has || other {
		return fmt.Errorf("%s holds %s: %t, %s: %t", active.Host.Name(), vip, has, backup.Host.Name(), other)
	}
	return nil
}

func holds(director *lab.Director) (bool, error) {
	addresses, err := director.Host.Addresses()
	return slices.Contains(addresses, vip), err
}

// wait returns when the condition holds.
func (d *demo) wait(ctx context.Context, what string, condition func() (bool, error)) error {
	deadline := time.Now().Add(patience)
	for {
		ok, err := condition()
		if err != nil || ok {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s until %s", patience, what)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// line returns the first line of text that has the words.
func line(text, words string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, words) {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

// between returns the lines from the first with one text to before the next with the other.
func between(text, from, to string) string {
	var lines []string
	for l := range strings.Lines(text) {
		switch {
		case len(lines) == 0 && !strings.Contains(l, from):
			continue
		case strings.Contains(l, to):
			return strings.Join(lines, "")
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "")
}
