package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// failoverTimeout is above twice the longest advertisement interval, which is how long an agent waits for
// another router.
const failoverTimeout = 2 * time.Minute

func failoverCommand() *cobra.Command {
	to := connection{timeout: failoverTimeout}
	var undo bool
	cmd := &cobra.Command{
		Use:   "failover INSTANCE",
		Short: "Hand a VRRP instance over to another director, and stay away",
		Long: "Hand a VRRP instance over to another director, and stay away until that one leaves or the failover is undone.\n" +
			"The addresses stay until the other one is heard. When none is, the instance stays here, and the exit status is 1.\n" +
			"A restart of the agent undoes it, an upgrade does not.\n\n" + tokenHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			director, err := to.open()
			if err != nil {
				return err
			}
			if undo {
				if err := director.EndFailover(cmd.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s takes part again\n", args[0])
				return nil
			}
			instance, err := director.Failover(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			printFailover(cmd.OutOrStdout(), args[0], instance.Status)
			return nil
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&undo, "undo", false, "take part again")
	return cmd
}

func printFailover(w io.Writer, name string, s spec.VRRPInstanceStatus) {
	fmt.Fprintf(w, "%s is %s here and stays away until the other leaves, or: lvs-agent failover --undo %[1]s\n", name, s.State)
	if s.ActiveRouter != "" {
		fmt.Fprintf(w, "active router: %s\n", s.ActiveRouter)
	}
}
