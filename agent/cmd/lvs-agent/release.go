package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
)

// releaseTimeout bounds the work of release: a service manager waits for it.
const releaseTimeout = 10 * time.Second

func releaseCommand() *cobra.Command {
	var file string
	var kernel bool
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Remove what an agent that died has left in the kernel: virtual addresses, and services with --ipvs",
		Long: "Remove what an agent that died has left in the kernel: virtual addresses, and services with --ipvs.\n\n" +
			"It is meant for ExecStopPost= of the service: after an orderly stop it finds nothing to do. Addresses of the\n" +
			"machine's own and services of others stay. It refuses while an agent runs on the same state_dir.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			l, err := agent.OpenLeftovers(c, logger(c.Log))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, l.Close()) }()
			err = l.ReleaseAddresses()
			if kernel {
				ctx, cancel := context.WithTimeout(cmd.Context(), releaseTimeout)
				defer cancel()
				err = errors.Join(err, l.ReleaseServices(ctx), l.ReleaseSettings(ctx))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", defaultConfigFile, "the agent's file")
	cmd.Flags().BoolVar(&kernel, "ipvs", false, "our IPVS services and sync daemons, too, and settings become what they were: established connections are cut")
	return cmd
}
