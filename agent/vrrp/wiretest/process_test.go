package wiretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// directorVariable names the folder in which a director keeps what must outlive it.
const directorVariable = "LVS_WIRETEST_DIRECTOR"

// request is what a test tells a director, one in a line of its standard input.
type request struct {
	// Instances are for Engine.Set, unless nil.
	Instances map[string]spec.VRRPInstance `json:"instances,omitzero"`
	// Verdicts are those of check scripts.
	Verdicts map[string]bool `json:"verdicts,omitzero"`
	// Failover names an instance that is to hand over.
	Failover string `json:"failover,omitzero"`
}

// response is the answer to each.
type response struct {
	Status map[string]spec.VRRPInstanceStatus `json:"status"`
	Error  string                             `json:"error,omitempty"`
}

// directorMain is the process of a director. SIGTERM stops it in order.
func directorMain(dir string) (exitStatus int) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if err := direct(ctx, dir); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func direct(ctx context.Context, dir string) (err error) {
	state, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	kernel, err := link.NewKernel(link.Ledgers{
		Addresses: store.LedgerOf[link.Held](state, "addresses"),
		Links:     store.LedgerOf[spec.VirtualLink](state, "interfaces"),
		Settings:  store.LedgerOf[link.Setting](state, "settings"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kernel.Close()) }()
	traces, err := vrrp.OpenTraces(filepath.Join(dir, "traces"))
	if err != nil {
		return err
	}
	known := &verdicts{}
	engine := vrrp.NewEngine(vrrp.Config{
		Interfaces: kernel, Addresses: kernel, VirtualLinks: kernel, Acceptance: kernel, Routes: kernel, Network: vrrp.RawNetwork{}, Scripts: known, Traces: traces,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	go obey(engine, known)
	return engine.Run(ctx)
}

// obey does what comes in.
func obey(engine *vrrp.Engine, known *verdicts) {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q request
		if err := in.Decode(&q); err != nil {
			if !errors.Is(err, io.EOF) {
				_, _ = fmt.Fprintln(os.Stderr, "read a request:", err)
			}
			return
		}
		var a response
		known.add(q.Verdicts)
		engine.Trigger()
		if q.Instances != nil {
			if err := engine.Set(q.Instances); err != nil {
				a.Error = err.Error()
			}
		}
		if q.Failover != "" {
			if err := engine.Failover(context.Background(), q.Failover); err != nil {
				a.Error = err.Error()
			}
		}
		a.Status = engine.Status()
		if err := out.Encode(a); err != nil {
			return // nobody reads any more
		}
	}
}

// verdicts are what check scripts are said to have found.
type verdicts struct {
	mu    sync.Mutex
	known map[string]bool
}

func (v *verdicts) add(more map[string]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, passing := range more {
		if v.known == nil {
			v.known = map[string]bool{}
		}
		v.known[name] = passing
	}
}

// Script implements vrrp.Scripts.
func (v *verdicts) Script(name string) (passing, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	passing, known = v.known[name]
	return passing, known
}
