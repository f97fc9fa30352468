package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/internal/newfile"
)

func backupCommand() *cobra.Command {
	var to connection
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a copy of a director's state to a file, for lvs-agent restore",
		Long: "Write a copy of a running director's state to a new file, for lvs-agent restore.\n" +
			"It holds the secrets of the state, and only its owner can read it.\n\n" + tokenHelp + " It must have the scope write.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			director, err := to.open()
			if err != nil {
				return err
			}
			data, err := director.Backup(cmd.Context())
			if err != nil {
				return err
			}
			if err := newfile.Create(args[0], data); err != nil {
				return fmt.Errorf("write the backup: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes\n", args[0], len(data))
			return nil
		},
	}
	to.flags(cmd)
	return cmd
}

func restoreCommand() *cobra.Command {
	var file, from string
	var empty bool
	cmd := &cobra.Command{
		Use:   "restore --from BACKUP | --empty",
		Short: "Put a backup in the place of this director's state, or begin with an empty one",
		Long: "Put a backup in the place of this director's state, or begin with an empty one.\n\n" +
			"An agent that is degraded, because its state is damaged, goes on with the new state by itself. One that runs must\n" +
			"be stopped first. The former state is kept beside the new one. What the agent has put into the kernel and the new\n" +
			"state does not want is removed, where the former state still says that it was the agent's.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			var before string
			switch {
			case empty:
				before, err = agent.BeginAnew(c)
			case from != "":
				before, err = agent.Restore(c, from)
			default: // an unset variable in a script is not the wish to lose everything
				err = errors.New("nothing was restored: name a backup with --from BACKUP, or begin without any state with --empty")
			}
			if err != nil {
				return err
			}
			if before != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "the former state is kept as %s\n", before)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "restored; start lvs-agent if it does not run")
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", defaultConfigFile, "the agent's file")
	cmd.Flags().StringVar(&from, "from", "", "the file that lvs-agent backup wrote")
	cmd.Flags().BoolVar(&empty, "empty", false, "no state: what the director was asked for is to be asked for again")
	cmd.MarkFlagsOneRequired("from", "empty")
	cmd.MarkFlagsMutuallyExclusive("from", "empty")
	return cmd
}
