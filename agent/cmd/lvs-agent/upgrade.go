package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
)

func upgradeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Put the installed lvs-agent, and its file as it is now, in the place of the one that runs",
		Long: "Put the installed lvs-agent, and its file as it is now, in the place of the one that runs.\n\n" +
			"The new one is started beside the old, which leaves when the new one has taken everything over: no instance\n" +
			"changes its state, the kernel's table stays as it is, and requests are answered. When the new one cannot, the old\n" +
			"one goes on, and the exit status is 1. SIGUSR2 does the same, and the log says what came of it.\n" +
			"It is for root and the user that the agent runs as.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			came, err := agent.AskToUpgrade(cmd.Context(), c)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "lvs-agent %s has taken over as process %d\n", came.Version, came.PID)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", defaultConfigFile, "the agent's file")
	return cmd
}

// thisProgram is what was started as this process: at the same path there may be another one now.
func thisProgram(capabilities []uintptr) handover.Program {
	path := os.Args[0]
	if !strings.Contains(path, "/") { // it was looked up
		if self, err := os.Executable(); err == nil {
			path = self
		}
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return handover.Program{Path: path, Args: os.Args, Version: version, Capabilities: capabilities}
}

// onUpgradeSignal returns SIGUSR2 when it comes. From now on it ends nobody who is not ready for it.
func onUpgradeSignal() <-chan os.Signal {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR2)
	return asked
}

// upgradeWhenAsked has the agent upgraded until the context ends. The agent logs what comes of it.
func upgradeWhenAsked(ctx context.Context, a *agent.Agent, asked <-chan os.Signal) {
	for {
		select {
		case <-asked:
			_, _ = a.Upgrade(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// tellOfNext tells the service manager that another process is the service from now on.
func tellOfNext(pid int, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, fmt.Sprintf("MAINPID=%d", pid)); err != nil {
		log.Warn("the service manager could not be told of the process that takes over", "pid", pid, "error", err)
	}
}
