package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/agent"
	"github.com/lvs-director/terraform-provider-lvs/agent/config"
	"github.com/lvs-director/terraform-provider-lvs/agent/flood"
	"github.com/lvs-director/terraform-provider-lvs/agent/handover"
)

// defaultConfigFile is where run and validate look when --config is left out.
const defaultConfigFile = "/etc/lvs-agent/agent.hcl"

func runCommand() *cobra.Command {
	var file string
	var dev bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent until it is told to stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked := onUpgradeSignal()
			from, err := handover.FromEnvironment()
			if err != nil {
				return err
			}
			c, err := load(cmd, file, dev)
			if err != nil {
				if from != nil {
					from.Refuse(err)
				}
				return err
			}
			leaveRoomForAdverts()
			level := &slog.LevelVar{}
			log := loggerAt(level, c.Log)
			reload := func() (config.Config, error) {
				c, err := load(cmd, file, dev)
				if err == nil {
					level.Set(levelOf(c.Log))
				}
				return c, err
			}
			if err := boundMemory(log); err != nil {
				log.Warn("the memory of the control group is not heeded", "error", err)
			}
			next := thisProgram(ambientCapabilities())
			if err := keepCapabilities(); err != nil {
				return err
			}
			a, err := newAgent(cmd.Context(), c, from, log)
			for err == nil {
				err = runOne(cmd.Context(), a, next, asked, reload, log)
				switch {
				case errors.Is(err, agent.ErrHandedOver):
					return nil
				case errors.Is(err, agent.ErrRestored):
					a, err = agent.New(c, version, log)
				default:
					return err
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", defaultConfigFile, "the agent's file")
	cmd.Flags().BoolVar(&dev, "dev", false, "to try it: memory data plane on "+config.DefaultListen+", no privileges, nothing kept")
	return cmd
}

// newAgent makes an agent, in the place of another one if there is one.
func newAgent(ctx context.Context, c config.Config, from *handover.Predecessor, log *slog.Logger) (*agent.Agent, error) {
	if from != nil {
		return agent.Succeed(ctx, c, version, log, from)
	}
	return agent.New(c, version, log)
}

// runOne runs an agent, with the service manager told and listened to.
func runOne(ctx context.Context, a *agent.Agent, next handover.Program, asked <-chan os.Signal, reload func() (config.Config, error), log *slog.Logger) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { tellManager(ctx, a, log) })
	a.Upgradable(next, func(pid int) { tellOfNext(pid, log) })
	telling.Go(func() { upgradeWhenAsked(ctx, a, asked) })
	stop := reloadOnHangup(ctx, a, reload, log)
	defer func() {
		cancel(err)
		stop()
		telling.Wait()
	}()
	return a.Run(ctx)
}

// reloadOnHangup has the agent take over what can change of its file, and read certificates and tokens again, on SIGHUP,
// until it is stopped.
func reloadOnHangup(ctx context.Context, a *agent.Agent, reload func() (config.Config, error), log *slog.Logger) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading+"\n"+monotonic())
			c, err := reload()
			var left []string
			if err == nil {
				left, err = a.Reload(ctx, c)
			}
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
			tellReloaded(left, err, log)
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(hangup)
	}
}

// tellReloaded says what came of it.
func tellReloaded(left []string, err error, log *slog.Logger) {
	if err != nil {
		log.Error("not all could be read again; what was read last still counts", "error", err)
	} else {
		log.Info("read the file, certificates and tokens again")
	}
	restart := slices.DeleteFunc(slices.Clone(left), func(name string) bool { return !config.TakesRestart(name) })
	if len(restart) > 0 {
		log.Warn("settings take effect when the agent is restarted", "settings", restart)
	}
	if upgrade := slices.DeleteFunc(left, config.TakesRestart); len(upgrade) > 0 {
		log.Warn("settings take effect with lvs-agent upgrade", "settings", upgrade)
	}
}

// monotonic is the time of a reload, as the service manager wants it.
func monotonic() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // a clock that every Linux has
	return fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000)
}

func load(cmd *cobra.Command, file string, dev bool) (config.Config, error) {
	if !dev {
		return config.Load(file)
	}
	if cmd.Flags().Changed("config") {
		return config.Config{}, errors.New("--dev takes no --config: for a memory data plane with options write dataplane = \"memory\" into the file")
	}
	return config.Dev()
}

// logger writes to standard error, where systemd picks it up.
func logger(c config.Log) *slog.Logger { return loggerAt(&slog.LevelVar{}, c) }

func levelOf(c config.Log) (level slog.Level) {
	_ = level.UnmarshalText([]byte(c.Level)) // config.Validate has seen the word
	return level
}

// loggerAt is a logger whose level can be changed.
func loggerAt(level *slog.LevelVar, c config.Log) *slog.Logger {
	level.Set(levelOf(c))
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(flood.NewHandler(slog.NewJSONHandler(os.Stderr, options)))
	}
	return slog.New(flood.NewHandler(slog.NewTextHandler(os.Stderr, options)))
}

func validateCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the agent's file without running anything",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := config.Load(file); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is valid\n", file)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", defaultConfigFile, "the agent's file")
	return cmd
}
