package machinetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

var vip = netip.MustParsePrefix("192.0.2.100/24")

// An agent that read the wall clock would have overslept when it goes forward, and be silent for an hour when it goes
// back.
func TestAgents_74_AStepOfTheWallClockChangesNothing(t *testing.T) {
	network := lab.Start(t)
	agent := newAgent(t)
	directors := map[int]*lab.Director{} // by priority
	for priority, own := range map[int]string{150: "192.0.2.11", 100: "192.0.2.12"} {
		host := network.Host(t, fmt.Sprint("p", priority), own+"/24")
		d := start(t, agent, host, netip.MustParseAddr(own))
		call(t, d, http.MethodPut, "/v1/vrrp-instances/web", fmt.Sprintf(
			`{"virtual_router_id":51,"interface":"eth0","priority":%d,"virtual_addresses":[%q]}`, priority, vip))
		directors[priority] = d
	}
	d1, d2 := directors[150], directors[100]
	eventually(t, "d1 has the address alone", func() bool { return holds(t, d1) && !holds(t, d2) })
	before := map[*lab.Director]spec.VRRPInstanceStatus{d1: status(t, d1), d2: status(t, d2)}

	for _, step := range []time.Duration{time.Hour, -2 * time.Hour} { // an hour ahead, then an hour late
		stepClock(t, step)
		sent := status(t, d1).AdvertsSent
		// More than a backup waits for.
		eventually(t, fmt.Sprintf("six adverts were sent after a step of %s", step), func() bool {
			if !holds(t, d1) || holds(t, d2) {
				t.Fatalf("after a step of %s the address is on d1: %t, on d2: %t", step, holds(t, d1), holds(t, d2))
			}
			return status(t, d1).AdvertsSent >= sent+6
		})
	}
	for d, was := range before {
		if is := status(t, d); is.State != was.State || is.BecameActive != was.BecameActive {
			t.Errorf("%s was %+v, and is %+v", d.Host.Name(), was, is)
		}
	}
	// Nor does anybody wait for an hour to pass again.
	if err := d1.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "d2 took over", func() bool { return holds(t, d2) })
}

// stepClock moves this machine's wall clock, and moves it back at the end.
func stepClock(t *testing.T, by time.Duration) {
	t.Helper()
	step := func(by time.Duration) error {
		to := unix.NsecToTimeval(time.Now().Add(by).UnixNano())
		return unix.Settimeofday(&to)
	}
	if err := step(by); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := step(-by); err != nil {
			t.Error(err)
		}
	})
}

func holds(t *testing.T, d *lab.Director) bool {
	t.Helper()
	addresses, err := d.Host.Addresses()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(addresses, vip)
}

func status(t *testing.T, d *lab.Director) spec.VRRPInstanceStatus {
	t.Helper()
	var all struct {
		VRRPInstances map[string]spec.VRRPInstanceStatus `json:"vrrp_instances"`
	}
	answer := call(t, d, http.MethodGet, "/v1/status", "")
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		t.Fatal(err)
	}
	s, ok := all.VRRPInstances["web"]
	if !ok {
		t.Fatalf("no status of the instance in %s", answer)
	}
	return s
}
