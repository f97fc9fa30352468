package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab/bench"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// measureGrowth has servers checked over TCP and HTTP, a part of which refuses, and says what is left behind.
func measureGrowth(ctx context.Context, s settings, t bench.Results) (err error) {
	stop, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer stop()
	tcp, http := eachSecond(), eachSecond()
	page := spec.DefaultHTTPCheck()
	tcp.TCP, http.HTTP = &spec.TCPCheck{}, &page
	d := desire(s.servers, portTCP, tcp)
	d.VirtualServers["pages"] = spec.VirtualServer{HealthCheck: &http}
	d.VirtualServers["dead"] = spec.VirtualServer{HealthCheck: &tcp}
	for i := range s.servers / 10 {
		for service, port := range map[string]uint16{"pages": portHTTP, "dead": portNobody} {
			d.RealServers.Put(spec.ServerKey{VirtualServer: service, Address: netip.AddrPortFrom(serverAddress(i), port)}, spec.DefaultRealServer())
		}
	}
	c, end, err := checking(ctx, d, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := settle(ctx, c, d); err != nil {
		return err
	}
	before, heapBefore := stateOf(c), heap()
	if err := pause(ctx, s.duration); err != nil {
		return err
	}
	after, heapAfter := stateOf(c), heap()
	t.Figure("growth: rounds", fmt.Sprintf("%d in %s", after.metrics.Rounds-before.metrics.Rounds, s.duration))
	t.Number("growth: goroutines, more than before", float64(after.goroutines-before.goroutines), 20, "")
	t.Number("growth: descriptors, more than before", float64(after.descriptors-before.descriptors), 20, "")
	t.Number("growth: heap in use, more than before", (heapAfter-heapBefore)/1e6, 2, "MB")
	t.Number("growth: memory, more than before", float64(after.resident-before.resident)/1e6, 5, "MB")
	return nil
}

// heap returns how much of it is in use, in bytes.
func heap() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
