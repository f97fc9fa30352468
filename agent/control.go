package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/config"
)

// controlFile is the socket in the state folder by which commands on this machine reach a running agent. Its owner and
// root can, as they can the folder.
const controlFile = "control.sock"

// askToUpgrade is the one request there is.
const askToUpgrade = "upgrade\n"

// controlTimeout bounds the wait for somebody who has connected to say what he wants.
const controlTimeout = 5 * time.Second

// Upgraded says what came of an upgrade.
type Upgraded struct {
	PID     int    `json:"pid,omitempty"`
	Version string `json:"version,omitempty"`
	// Error is why the agent that ran goes on.
	Error string `json:"error,omitempty"`
}

// openControl opens the socket. An agent does its work without, too: SIGUSR2 is left to those who upgrade it.
func (a *Agent) openControl() {
	if a.config.Dataplane == config.DataplaneMemory {
		return
	}
	l, err := a.sockets.open("control", "unix://"+filepath.Join(a.config.StateDir, controlFile))
	if err != nil {
		a.log.Warn("lvs-agent upgrade will not find this agent; SIGUSR2 has it upgraded", "error", err)
		return
	}
	a.control = l.(*net.UnixListener)
}

// listenForCommands answers on the socket until the context ends.
func (a *Agent) listenForCommands(ctx context.Context) {
	if a.control == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = a.control.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var answering sync.WaitGroup
	defer answering.Wait()
	for {
		conn, err := a.control.Accept()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			a.log.Warn("commands on this machine are answered no more", "error", err)
			return
		}
		answering.Go(func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetReadDeadline(time.Now().Add(controlTimeout))
			if asked, err := bufio.NewReader(conn).ReadString('\n'); err != nil || asked != askToUpgrade {
				return
			}
			came, err := a.Upgrade(ctx)
			if err != nil {
				came = Upgraded{Error: err.Error()}
			}
			_ = json.NewEncoder(conn).Encode(came) // who asked may be gone
		})
	}
}

// AskToUpgrade has the agent that runs with that configuration upgraded, and returns what came of it.
func AskToUpgrade(ctx context.Context, c config.Config) (Upgraded, error) {
	if c.Dataplane == config.DataplaneMemory {
		return Upgraded{}, errNothingToHandOver
	}
	path := filepath.Join(c.StateDir, controlFile)
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return Upgraded{}, fmt.Errorf("reach the agent that runs: %w: is one running, and are you root or its user?", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var came Upgraded
	_, err = conn.Write([]byte(askToUpgrade))
	if err == nil {
		err = json.NewDecoder(conn).Decode(&came)
	}
	switch {
	case ctx.Err() != nil:
		return came, context.Cause(ctx)
	case err != nil:
		return came, fmt.Errorf("ask the agent that runs: it ended without an answer (%w): see its log", err)
	case came.Error != "":
		return came, errors.New(came.Error)
	}
	return came, nil
}
