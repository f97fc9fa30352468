// Lab runs a command as root in a guest kernel that has IPVS, in the current folder, and exits with
// the command's status. It is for people; tests find their kernel by lab.Main.
//
//	go run ./internal/lab/cmd/lab bash -c 'ipvsadm -A -t 192.0.2.100:80 -s mh && ipvsadm -Ln'
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args)
	stop()
	os.Exit(status)
}

// The command has the statuses up to 124, as with timeout(1) and env(1).
const (
	statusUsage = 2
	statusGuest = 125
)

func run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	memory := flags.String("mem", "2G", "the guest's `memory`")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "usage: lab [-mem 2G] COMMAND [ARGUMENT...]\n\nRuns COMMAND as root in a guest kernel with IPVS whose files are this machine's.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args[1:]); err != nil {
		return statusUsage
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return statusUsage
	}
	if err := lab.Installed(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return statusGuest
	}
	status, err := lab.Guest{Memory: *memory}.Run(ctx, os.Stdout, flags.Args()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return statusGuest
	}
	return status
}
