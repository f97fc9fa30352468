package wiretest

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// inTable does something to the table of refusals, and returns how many chains there are in it.
func inTable(t *testing.T, h *lab.Host, do func(*nftables.Conn, *nftables.Chain)) (chains int) {
	t.Helper()
	err := h.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		all, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
		if err != nil {
			return err
		}
		for _, chain := range all {
			if chain.Table.Name == "lvs-agent" {
				chains++
				do(c, chain)
			}
		}
		return c.Flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	return chains
}

func TestKernel_ATableOfRefusalsGoesHoweverSomebodyChangedIt(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	refuse := func(addresses ...netip.Addr) {
		t.Helper()
		if err := h.Do(func() error { return k.Refuse(addresses) }); err != nil {
			t.Fatal(err)
		}
	}
	refuse(netip.MustParseAddr("192.0.2.100"))
	if n := inTable(t, h, func(c *nftables.Conn, chain *nftables.Chain) { c.FlushChain(chain) }); n != 1 {
		t.Fatalf("there are %d chains, want 1", n)
	}
	refuse()
	if n := inTable(t, h, func(*nftables.Conn, *nftables.Chain) {}); n != 0 {
		t.Errorf("%d chains are left", n)
	}
}
