package lab_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// run runs a task until the test ends.
func run(t *testing.T, task func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- task(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("task: %v", err)
		}
	})
}

// serve runs a web server on port 80 of a host until the test ends.
func serve(t *testing.T, on *lab.Host) {
	t.Helper()
	web, err := on.ListenWeb(t.Context(), netip.MustParseAddrPort("[::]:80"))
	if err != nil {
		t.Fatal(err)
	}
	run(t, web.Run)
}

func TestProbeMeasuresTheGapAndNamesTheServer(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]string{"IPv4": "192.0.2.2:80", "IPv6": "[2001:db8::2]:80"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := lab.Start(t)
			client := n.Host(t, "client", "192.0.2.1/24", "2001:db8::1/64")
			server := n.Host(t, "server", "192.0.2.2/24", "2001:db8::2/64")
			serve(t, server)
			probe := client.NewProbe(netip.MustParseAddrPort(target), 10*time.Millisecond)
			run(t, probe.Run)
			if err := probe.WaitForAnswers(soon(t), 10); err != nil {
				t.Fatal(err)
			}
			probe.Reset()

			const outage = 200 * time.Millisecond
			began := time.Now()
			if err := server.Isolate(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(outage)
			if err := server.Restore(); err != nil {
				t.Fatal(err)
			}
			if err := probe.WaitForAnswers(soon(t), 10); err != nil {
				t.Fatal(err)
			}
			// An answer may still be on its way when the outage begins.
			if gap, most := probe.Gap(), time.Since(began)+outage/2; gap < outage/2 || gap > most {
				t.Errorf("gap of %v, want %v to %v", gap, outage/2, most)
			}
			answers := probe.Answers()
			if answers["server"] < 10 || len(answers) != 1 {
				t.Errorf("answers %v, want 10 and more of server alone", answers)
			}
		})
	}
}

func TestProbeCountsWhatIsNotAnswered(t *testing.T) {
	t.Parallel()
	n := lab.Start(t)
	client := n.Host(t, "client", "192.0.2.1/24")
	n.Host(t, "server", "192.0.2.2/24")
	for name, target := range map[string]string{
		"refused":  "192.0.2.2:80",
		"no route": "198.51.100.1:80",
	} {
		t.Run(name, func(t *testing.T) {
			probe := client.NewProbe(netip.MustParseAddrPort(target), time.Millisecond)
			run(t, probe.Run)
			for ctx := soon(t); probe.Failures() < 3; time.Sleep(time.Millisecond) {
				if ctx.Err() != nil {
					t.Fatalf("%d failures, want 3", probe.Failures())
				}
			}
			if answers := probe.Answers(); len(answers) > 0 {
				t.Errorf("answers %v from nobody", answers)
			}
		})
	}
}
