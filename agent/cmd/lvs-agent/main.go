// Command lvs-agent runs on each Linux Virtual Server director: it takes the desired state over HTTP
// and makes it so.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent/sandbox"
)

// version is set by the linker.
var version = "dev"

func main() {
	if sandbox.IsKeeper(os.Args) {
		if err := sandbox.Keep(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "lvs-agent:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lvs-agent:", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "lvs-agent",
		Short:         "Run a Linux Virtual Server director from its desired state",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	root.SetVersionTemplate("lvs-agent {{.Version}}\n")
	root.AddCommand(runCommand(), initCommand(), statusCommand(), eventsCommand(), failoverCommand(), drainCommand(), releaseCommand(), upgradeCommand(), backupCommand(), restoreCommand(), validateCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "lvs-agent", version) },
	}
}
