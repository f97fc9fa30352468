package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// drainRequestTimeout is above what a change of the kernel's table takes.
const drainRequestTimeout = 30 * time.Second

func drainCommand() *cobra.Command {
	to := connection{timeout: drainRequestTimeout}
	var undo bool
	cmd := &cobra.Command{
		Use:   "drain VIRTUAL_SERVER ADDRESS:PORT",
		Short: "Give a real server no new connections, for maintenance, until that is undone",
		Long: "Give a real server no new connections, for maintenance, until that is undone. It has weight 0 on this director meanwhile,\n" +
			"also after a restart, and its established connections may finish: lvs-agent status shows how many are left.\n" +
			"What it was asked for stays, so that Terraform has nothing to change.\n\n" + tokenHelp,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := spec.ParseServerKey(args[0] + "/" + args[1])
			if err != nil {
				return err
			}
			director, err := to.open()
			if err != nil {
				return err
			}
			if undo {
				if err := director.EndDrain(cmd.Context(), key.String()); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s takes connections again\n", key)
				return nil
			}
			server, err := director.Drain(cmd.Context(), key.String())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s gets no new connections, %d are left; to end that: lvs-agent drain --undo %s %s\n",
				key, server.Status.ConnectionsLeft, args[0], args[1])
			return nil
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&undo, "undo", false, "give it connections again")
	return cmd
}
