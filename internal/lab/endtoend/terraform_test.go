package endtoend

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// terraform installs the example of a pair on the client, with more variables.
func (p *pair) terraform(t *testing.T) *lab.Terraform {
	t.Helper()
	binary, err := exec.LookPath(cmp.Or(os.Getenv("TERRAFORM"), "terraform"))
	if err != nil {
		t.Fatal(err)
	}
	tf, err := p.client.InstallTerraform(binary, lab.Program("terraform-provider-lvs"), "../../../examples/ha-pair-dr", t.TempDir(),
		map[string]string{"token": p.agent.Token, "ca_cert_file": p.agent.CA.File()})
	if err != nil {
		t.Fatal(err)
	}
	if output, err := tf.Run(t.Context(), "init"); err != nil {
		t.Fatalf("init: %v\n%s", err, output)
	}
	return tf
}

// apply applies the example with variables other than those of the example.
func apply(t *testing.T, tf *lab.Terraform, variables ...string) {
	t.Helper()
	arguments := []string{"apply", "-auto-approve"}
	for _, v := range variables {
		arguments = append(arguments, "-var", v)
	}
	if output, err := tf.Run(t.Context(), arguments...); err != nil {
		t.Fatalf("apply: %v\n%s", err, output)
	}
}

func TestChangeThatDeafensNeverMakesTwoActives(t *testing.T) {
	p := newPair(t)
	tf := p.terraform(t)
	apply(t, tf)
	p.wantHolder(t, p.d1, p.d2)
	watching, stop := context.WithCancel(t.Context())
	both := make(chan int)
	go func() { both <- p.countBoth(watching) }()

	apply(t, tf, "virtual_router_id=52")
	p.wantHolder(t, p.d1, p.d2)
	time.Sleep(5 * time.Second) // a backup that hears nobody takes over after less than 4 s
	stop()
	if n := <-both; n > 0 {
		t.Errorf("both directors held the VIP in %d looks", n)
	}
	p.wantHolder(t, p.d1, p.d2)
}

// A change that nobody finishes, as by a Terraform that died in the middle, makes no second active director
// for as long as it asked for.
func TestHeldBackupStaysOutHoweverLongTheRestTakes(t *testing.T) {
	p := newPair(t)
	p.configure(t, "")
	instance := func(vrid, priority int) string {
		return fmt.Sprintf(`{"virtual_router_id":%d,"interface":"eth0","priority":%d,"advertisement_interval":"200ms","virtual_addresses":[%q]}`, vrid, priority, vip)
	}
	const path = "/v1/vrrp-instances/web"
	watching, stop := context.WithCancel(t.Context())
	both := make(chan int)
	go func() { both <- p.countBoth(watching) }()
	put(t, p.d2, path+"?hold=1m", instance(52, 100))
	time.Sleep(3 * time.Second) // without the hold it would take over after 722 ms
	put(t, p.d1, path, instance(52, 150))
	eventually(t, "d1 is active again", func() bool { return holds(t, p.d1) })
	put(t, p.d2, path, instance(52, 100))
	stop()
	if n := <-both; n > 0 {
		t.Errorf("both directors held the VIP in %d looks", n)
	}
	p.wantHolder(t, p.d1, p.d2)

	// Without the hold there are two, which also shows that they would have been seen.
	watching, stop = context.WithCancel(t.Context())
	defer stop()
	go func() { both <- p.countBoth(watching) }()
	put(t, p.d2, path, instance(53, 100))
	eventually(t, "d2 is active, too", func() bool { return holds(t, p.d2) })
	time.Sleep(time.Second)
	stop()
	if n := <-both; n == 0 {
		t.Error("nobody saw two active directors")
	}
}

// countBoth looks until ctx ends, and counts how often both directors had the VIP at the same time.
func (p *pair) countBoth(ctx context.Context) (n int) {
	has := func(d *lab.Director) bool {
		addresses, err := d.Host.Addresses()
		return err == nil && slices.Contains(addresses, vip)
	}
	for ctx.Err() == nil {
		if has(p.d1) && has(p.d2) && has(p.d1) {
			n++
		}
		time.Sleep(2 * time.Millisecond)
	}
	return n
}
