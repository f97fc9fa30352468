package wiretest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Addresses are announced when Ensure has returned. By then the host listens to the solicited-node group of each, as RFC
// 9568 §6.4.1 to §6.4.3 want: else the solicitations of whoever was told would go unheard.
func TestKernel_43_TheSolicitedNodeGroupIsJoinedBeforeAnAddressIsAnnounced(t *testing.T) {
	t.Parallel()
	h := lab.Start(t).Host(t, "d1", "192.0.2.11/24")
	k := open(t, h, &link.MemoryLedger{})
	for i := range 50 {
		list := []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("2001:db8::1:%x/64", i+1))}
		take(t, k, list)
		out, err := h.Output(context.WithoutCancel(t.Context()), "cat", "/proc/net/igmp6")
		if err != nil {
			t.Fatal(err)
		}
		// ff02::1:ff00:0/104 and the last three bytes of the address (RFC 4291 §2.7.1).
		if group := fmt.Sprintf("ff0200000000000000000001ff01%04x", i+1); !strings.Contains(out, group) {
			t.Fatalf("%s is on the interface, and nobody listens to %s:\n%s", list[0], group, out)
		}
	}
}
