package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"syscall"
)

// Need is something that the tests of a package cannot do without.
type Need int

const (
	// NeedRoot is the right to make network namespaces.
	NeedRoot Need = iota
	// NeedIPVS is NeedRoot and IPVS in the kernel.
	NeedIPVS
	// NeedKeepalived is Debian's keepalived.
	NeedKeepalived
	// NeedIPVSAdm is ipvsadm, the tool that operators read IPVS with.
	NeedIPVSAdm
	// NeedTcpdump is Debian's tcpdump.
	NeedTcpdump
	// NeedNginx is Debian's nginx, a web server as many run one.
	NeedNginx
	// NeedOwnMachine is a clock and a kernel that are nobody else's, for tests that change them: a guest's.
	NeedOwnMachine
	// NeedIptables is Debian's iptables, for rules of the older kind: a guest's kernel has no other.
	NeedIptables
	// NeedGuest is what it takes to boot guests, for tests that do so themselves.
	NeedGuest
)

// Set to 1 by whoever has seen to it that everything is installed: what is missing then is a failure,
// not a skip.
const requiredVariable = "LVS_LAB_REQUIRED"

// Main is the body of a TestMain: it runs the tests where what they need is there, and ends the
// process with their exit status. Where the running kernel lacks something, this same test binary
// runs in a guest, with the same flags and in the same folder. Where no guest can be booted either,
// it says what is missing and skips all, with exit status 0, or 1 if LVS_LAB_REQUIRED=1.
//
// A binary built with the race detector cannot run in a guest; it skips, and says so, always with
// exit status 0: the same tests have to be run without the detector, too.
func Main(m interface{ Run() int }, needs ...Need) {
	os.Exit(runTests(m, os.Stdout, needs))
}

const (
	statusFailed      = 1
	statusInterrupted = 130 // 128 + SIGINT, as a shell says it
)

func runTests(m interface{ Run() int }, output io.Writer, needs []Need) (exitStatus int) {
	if err := missingPrograms(needs); err != nil {
		return skip(output, err)
	}
	switch err := missingInKernel(needs); {
	case err == nil:
		return runHere(m)
	case os.Getenv(guestVariable) != "":
		_, _ = fmt.Fprintln(output, "lab: even in the guest,", err)
		return statusFailed
	case raceDetector:
		report(output, fmt.Errorf("%w, and a guest cannot run a binary with the race detector: run it without -race, too", err))
		return 0
	}
	if err := Installed(); err != nil {
		return skip(output, fmt.Errorf("a guest kernel is wanted: %w", err))
	}
	return runInGuest(output)
}

// runHere runs the tests in this process. An interrupted run takes down what its tests made.
func runHere(m interface{ Run() int }) (exitStatus int) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		removeNetworksOf(os.Getpid())
		os.Exit(statusInterrupted)
	}()
	return m.Run()
}

// runInGuest runs this same program in a guest.
func runInGuest(output io.Writer) (exitStatus int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err == nil {
		exitStatus, err = Guest{}.Run(ctx, output, append([]string{self}, os.Args[1:]...)...)
	}
	switch {
	case ctx.Err() != nil:
		return statusInterrupted
	case err != nil:
		_, _ = fmt.Fprintln(output, "lab:", err)
		return statusFailed
	}
	return exitStatus
}

// skip reports what is missing and returns the exit status for it.
func skip(output io.Writer, missing error) (exitStatus int) {
	report(output, missing)
	if os.Getenv(requiredVariable) == "1" {
		return statusFailed
	}
	return 0
}

// report says why nothing runs, in the words that a skipped test has, so that it is counted as one.
func report(output io.Writer, missing error) {
	_, _ = fmt.Fprintf(output, "--- SKIP: TestMain (0.00s)\n    lab: %v\n", missing)
}

// missingInKernel returns what the running kernel does not have or does not let us do.
func missingInKernel(needs []Need) error {
	for _, need := range needs {
		switch need {
		case NeedOwnMachine:
			if os.Getenv(guestVariable) == "" {
				return errors.New("others work on this machine")
			}
		case NeedRoot, NeedIPVS:
			if !HasRoot() {
				return errors.New("this process may not make network namespaces")
			}
			if need == NeedIPVS && !HasIPVS() {
				return errors.New("this kernel has no IPVS")
			}
		}
	}
	return nil
}

// missingPrograms returns what is not installed. A guest has the host's programs.
func missingPrograms(needs []Need) error {
	packages := map[string]string{}
	for _, need := range needs {
		switch need {
		case NeedRoot, NeedIPVS:
			packages["ip"] = "iproute2"
		case NeedGuest:
			maps.Copy(packages, guestPackages())
		case NeedKeepalived:
			packages["keepalived"] = "keepalived"
		case NeedIPVSAdm:
			packages["ipvsadm"] = "ipvsadm"
		case NeedTcpdump:
			packages["tcpdump"] = "tcpdump"
		case NeedNginx:
			packages["nginx"] = "nginx-light"
		case NeedIptables:
			packages["iptables-legacy"] = "iptables"
		}
	}
	return installed(packages)
}
