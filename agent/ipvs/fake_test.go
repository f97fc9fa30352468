package ipvs_test

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// A kernel is what it is: without IPVS every call says what to load, with it none does. What a kernel
// with IPVS answers is in kerneltest.
func TestKernelWithoutIPVSSaysWhatToLoad(t *testing.T) {
	t.Parallel()
	kernel := ipvs.NewKernel(ipvs.KernelConfig{})
	_, infoErr := kernel.Info(t.Context())
	_, _, readErr := kernel.Read(t.Context())
	errs := map[string]error{"info": infoErr, "read": readErr}
	if !lab.HasIPVS() {
		web := key(ipvs.TCP, "192.0.2.100:80")
		var writes int
		writes, errs["apply"] = kernel.Apply(t.Context(), []ipvs.Op{{Action: ipvs.AddService, Service: web}, {Action: ipvs.DeleteService, Service: web}})
		if writes != 0 {
			t.Errorf("%d writes, want 0", writes)
		}
	}
	for doing, err := range errs {
		if errors.Is(err, ipvs.ErrUnavailable) == lab.HasIPVS() {
			t.Errorf("%s: error is %v, and the kernel has IPVS: %t", doing, err, lab.HasIPVS())
		}
	}
	if err := kernel.Close(); err != nil {
		t.Error(err)
	}
}

func TestOneRefusalStopsNothingElse(t *testing.T) {
	t.Parallel()
	fake := ipvs.NewFake()
	bad, good := key(ipvs.TCP, "192.0.2.100:79"), key(ipvs.TCP, "192.0.2.100:80")
	fake.Refuse(func(op ipvs.Op) error {
		if op.Service == bad {
			return syscall.ENOENT
		}
		return nil
	})
	one := ipvs.Destination{Forwarding: ipvs.DirectRouting, Weight: 1}
	ops := ipvs.Diff(ipvs.Table{}, ipvs.Table{
		bad:  service(ipvs.Options{Scheduler: "mh"}, "192.0.2.21:80", one),
		good: service(ipvs.Options{Scheduler: "wrr"}, "192.0.2.21:80", one),
	})
	writes, err := fake.Apply(t.Context(), ops)
	const want = `add service tcp/192.0.2.100:79: no such file or directory: scheduler "mh" is not in this kernel (modprobe ip_vs_mh)`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	if writes != 4 || fake.Writes() != 4 {
		t.Errorf("%d writes, %d counted, want 4: they are sent together", writes, fake.Writes())
	}
	const table = "-A -t 192.0.2.100:80 -s wrr\n-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"
	if diff := cmp.Diff(table, fake.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestProcessThatMayNotWriteStopsAtOnce(t *testing.T) {
	t.Parallel()
	fake := ipvs.NewFake()
	fake.Refuse(func(ipvs.Op) error { return syscall.EPERM })
	ops := make([]ipvs.Op, 1000)
	for i := range ops {
		ops[i] = ipvs.Op{Action: ipvs.AddService, Service: ipvs.MarkKey(uint32(i+1), ipvs.IPv4)}
	}
	writes, err := fake.Apply(t.Context(), ops)
	if !errors.Is(err, syscall.EPERM) || writes != 1 {
		t.Errorf("%d writes, %v, want one and %v", writes, err, syscall.EPERM)
	}
}

func TestErrorsSayWhatWasTriedAndWhatHelps(t *testing.T) {
	t.Parallel()
	web, server := key(ipvs.TCP, "192.0.2.100:80"), netip.MustParseAddrPort("192.0.2.21:80")
	for _, test := range []struct {
		op   ipvs.Op
		err  error
		want string
	}{
		{
			ipvs.Op{Action: ipvs.AddDestination, Service: web, Server: server}, syscall.ESRCH,
			"add destination 192.0.2.21:80 to tcp/192.0.2.100:80: no such process: the service is not in the table",
		},
		{
			ipvs.Op{Action: ipvs.EditDestination, Service: web, Server: server}, syscall.ENOENT,
			"edit destination 192.0.2.21:80 of tcp/192.0.2.100:80: no such file or directory: the destination is not in the table",
		},
		{
			ipvs.Op{Action: ipvs.EditService, Service: web, Options: ipvs.Options{Scheduler: "rr", Persistence: ipvs.Persistence{Engine: "sip"}}}, syscall.ENOENT,
			`edit service tcp/192.0.2.100:80: no such file or directory: scheduler "rr" is not in this kernel (modprobe ip_vs_rr), or persistence engine "sip" is not (modprobe ip_vs_pe_sip)`,
		},
		{
			ipvs.Op{Action: ipvs.DeleteService, Service: web}, syscall.EPERM,
			"delete service tcp/192.0.2.100:80: operation not permitted: changing the table takes CAP_NET_ADMIN in the network namespace",
		},
		{
			ipvs.Op{Action: ipvs.DeleteDestination, Service: web, Server: server}, syscall.ENOMEM,
			"delete destination 192.0.2.21:80 of tcp/192.0.2.100:80: cannot allocate memory",
		},
	} {
		fake := ipvs.NewFake()
		fake.Refuse(func(ipvs.Op) error { return test.err })
		_, err := fake.Apply(t.Context(), []ipvs.Op{test.op})
		if err == nil || err.Error() != test.want {
			t.Errorf("error is\n%v\nwant\n%s", err, test.want)
		}
		if failure, ok := errors.AsType[*ipvs.Error](err); !ok || failure.Op != test.op || !errors.Is(err, test.err) {
			t.Errorf("%v is not an *ipvs.Error of its operation and cause", err)
		}
	}
}

func TestFakeIsSharedByGoroutines(t *testing.T) {
	t.Parallel()
	fake := ipvs.NewFake()
	var all sync.WaitGroup
	for n := range uint32(4) {
		all.Go(func() {
			for i := range uint32(100) {
				mine := ipvs.MarkKey(100*n+i+1, ipvs.IPv4)
				table, _, err := fake.Read(t.Context())
				if err != nil {
					t.Error(err)
				}
				table[mine] = ipvs.Service{} // ours alone: a copy
				if _, err := fake.Apply(t.Context(), []ipvs.Op{{Action: ipvs.AddService, Service: mine}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if fake.Writes() != 400 {
		t.Errorf("%d writes, want 400", fake.Writes())
	}
}
