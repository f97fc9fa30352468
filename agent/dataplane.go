package agent

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/lvs-director/terraform-provider-lvs/agent/balance"
	"github.com/lvs-director/terraform-provider-lvs/agent/check"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/hook"
	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/agent/link"
	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
	"github.com/lvs-director/terraform-provider-lvs/agent/store"
	"github.com/lvs-director/terraform-provider-lvs/agent/tune"
	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// dataplane is all that the agent touches outside itself: this machine's kernel and network, or fakes
// that need no privileges and send nothing. What stands above cannot tell one from the other.
type dataplane struct {
	network vrrp.Network
	// traces outlive the process; nil where nothing does.
	traces *vrrp.Traces
	links  links
	table  balance.Kernel
	tuning tuning
	prober check.Prober
	// starter begins checks; nil has the prober do all.
	starter check.Starter
	teller  hook.Teller
	// checkCommand reports why a program may not run here.
	checkCommand func(sandbox.Command) spec.FieldErrors
	// facts are those of the machine, and modules what its kernel's IPVS has; nil where it is not touched.
	facts   func() (spec.Facts, error)
	modules func() (ipvs.Modules, error)
	// pulse says how late the machine wakes threads; nil where it is not touched.
	pulse *vrrp.Pulse
	close func() error
}

// ipvsOfMachine is what of a machine's IPVS is written and read.
type ipvsOfMachine struct {
	table    balance.Kernel
	settings tune.IPVS
	modules  func() (ipvs.Modules, error) // nil where there are none
	close    func() error
}

// links are the machine's network interfaces.
type links interface {
	vrrp.Interfaces
	vrrp.Addresses
	vrrp.Routes
	vrrp.VirtualLinks
	vrrp.Acceptance
	// Check reports why this machine cannot take part in a virtual router as that instance.
	Check(spec.VRRPInstance) spec.FieldErrors
}

// The names of the ledgers in the store.
const (
	ledgerAddresses = "addresses"
	ledgerServices  = "services"
	ledgerLinks     = "interfaces"
	ledgerSysctls   = "interface_settings"
	ledgerSettings  = "settings"
)

// linkLedgers are what is written down of what we do to the machine's network interfaces.
func linkLedgers(s *store.Store) link.Ledgers {
	return link.Ledgers{
		Addresses: store.LedgerOf[link.Held](s, ledgerAddresses),
		Links:     store.LedgerOf[spec.VirtualLink](s, ledgerLinks),
		Settings:  store.LedgerOf[link.Setting](s, ledgerSysctls),
	}
}

func openDataplane(c config.Config, s *store.Store, log *slog.Logger) (dataplane, error) {
	ledgers := linkLedgers(s)
	programs := sandbox.New(sandbox.Config{Directory: c.Scripts.Directory, User: c.Scripts.User, Limits: sandbox.Limits{
		CPUTime: spec.Duration(c.Scripts.Limits.CPUTime), Memory: c.Scripts.Limits.Memory, Processes: c.Scripts.Limits.Processes,
	}, AllowInline: c.Scripts.AllowInline})
	if c.Dataplane == config.DataplaneMemory {
		interfaces, err := link.NewMemory(ledgers.Addresses)
		return dataplane{
			network:      vrrp.NewMemoryNetwork(),
			links:        interfaces,
			table:        ipvs.NewFake(),
			tuning:       tuning{ipvs: ipvs.NewFakeSettings(), machine: tune.NewMemory()},
			prober:       check.Assume{},
			teller:       hook.Silent{},
			checkCommand: programs.CheckPolicy,
			close:        func() error { return nil },
		}, err
	}
	interfaces, err := link.NewKernel(ledgers)
	if err != nil {
		return dataplane{}, fmt.Errorf("open the machine's network interfaces: %w", err)
	}
	traces, err := openTraces(c)
	if err != nil {
		log.Warn("an agent that is killed and comes back begins as backup", "error", err)
	}
	balancing := openIPVS()
	tuned, err := localTuning(balancing.settings)
	if err != nil {
		return dataplane{}, err
	}
	pulse := &vrrp.Pulse{}
	connector, err := check.NewConnector()
	if err != nil {
		return dataplane{}, err
	}
	return dataplane{
		network:      vrrp.RawNetwork{},
		traces:       traces,
		links:        interfaces,
		table:        balancing.table,
		tuning:       tuned,
		prober:       check.Network{Sandbox: programs},
		starter:      connector,
		teller:       hook.NewNetwork(programs),
		checkCommand: programs.Check,
		facts:        func() (spec.Facts, error) { return facts(pulse, balancing.modules) },
		pulse:        pulse,
		modules:      balancing.modules,
		close: func() error {
			return errors.Join(programs.Close(), interfaces.Close(), balancing.close(), connector.Close())
		},
	}, nil
}

// facts are those of this machine.
func facts(pulse *vrrp.Pulse, has func() (ipvs.Modules, error)) (spec.Facts, error) {
	machine, err := link.Facts()
	modules, unknown := has()
	machine.WakeUpJitter = spec.Duration(pulse.Jitter())
	machine.Schedulers = balance.Schedulers(modules)
	return machine, errors.Join(err, unknown)
}
