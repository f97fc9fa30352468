package machinetest

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// Whoever unloads ip_vs has removed every service before, for the kernel would not let him. A module that comes back
// has another netlink family, and an empty table.
func TestModuleThatIsUnloadedIsLoadedAgainAndItsTableFilled(t *testing.T) {
	own := netip.MustParseAddr("192.0.2.11")
	host := lab.Start(t).Host(t, "director", own.String()+"/24")
	agent := newAgent(t)
	agent.Options = `resync_interval = "1s"`
	d := start(t, agent, host, own)
	call(t, d, http.MethodPut, "/v1/virtual-servers/web", `{"address":"192.0.2.100","port":80,"protocol":"tcp","scheduler":"wlc","forwarding_method":"dr"}`)
	call(t, d, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":5}`)
	const want = "-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5\n"
	table := func() string { return run(t, host, "ipvsadm", "-Sn") }
	if got := table(); got != want {
		t.Fatalf("table is %q, want %q", got, want)
	}
	for range 3 {
		run(t, host, "sh", "-c", "until ipvsadm -C && rmmod ip_vs_wlc ip_vs; do :; done")
		// The agent's next question to the kernel has it loaded.
		eventually(t, "the table is as wanted", func() bool { return loaded(t, host) && table() == want })
	}
	call(t, d, http.MethodPut, "/v1/virtual-servers/web/real-servers/192.0.2.21:80", `{"weight":6}`)
	if got, want := table(), strings.Replace(want, "-w 5", "-w 6", 1); got != want {
		t.Errorf("table is %q, want %q", got, want)
	}
}

// loaded reports whether ip_vs is there. ipvsadm would load it.
func loaded(t *testing.T, host *lab.Host) bool {
	t.Helper()
	return strings.Contains(run(t, host, "cat", "/proc/modules"), "ip_vs ")
}

func run(t *testing.T, host *lab.Host, command ...string) string {
	t.Helper()
	output, err := host.Output(t.Context(), command...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}
