package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sys/unix"
)

const (
	// self is the program that this process runs, also when another file has taken its place.
	self = "/proc/self/exe"
	// writeTimeout is how long a keeper may take to read a request, which it does at once.
	writeTimeout = time.Second
	// endTimeout is how long it may take to end a program that has to: longer than longestEnd.
	endTimeout = 5 * time.Second
)

// keeper is what the agent has of the process that runs programs for it.
type keeper struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the keeper has gone
	why   error         // it has

	writing  sync.Mutex
	requests *os.File

	mu      sync.Mutex
	waiting map[uint64]chan answer
}

// startKeeper starts a keeper that is the user as whom programs run: this same program, with KeeperArgument.
func startKeeper(as *account) (*keeper, error) {
	hears, requests, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start what runs scripts: %w", err)
	}
	defer func() { _ = hears.Close() }()
	cmd := exec.Command(self, KeeperArgument)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	cmd.Env = []string{searchPath}
	cmd.Stdin, cmd.Stderr = hears, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as.credential()}
	answers, err := cmd.StdoutPipe()
	if err == nil {
		err = start(cmd)
	}
	if err != nil {
		_ = requests.Close()
		if errors.Is(err, unix.EACCES) && as != nil {
			return nil, fmt.Errorf("%s, as whom scripts run, may not execute the agent's program: chmod 0755 it", as.name)
		}
		return nil, fmt.Errorf("start what runs scripts: %w", err)
	}
	k := &keeper{cmd: cmd, requests: requests, ended: make(chan struct{}), waiting: map[uint64]chan answer{}}
	go k.hear(answers)
	return k, nil
}

// hear hands answers to those who wait for them, until the keeper has gone.
func (k *keeper) hear(answers io.Reader) {
	decoder := jsontext.NewDecoder(answers)
	var broken error
	for {
		var a answer
		if err := json.UnmarshalDecode(decoder, &a); err != nil {
			if !errors.Is(err, io.EOF) {
				broken = err
			}
			break
		}
		k.mu.Lock()
		if waits, ok := k.waiting[a.Run]; ok {
			waits <- a
			delete(k.waiting, a.Run)
		}
		k.mu.Unlock()
	}
	if broken != nil {
		_ = k.cmd.Process.Kill() // nobody would understand what it says
	}
	_ = k.cmd.Wait() // its state says the same
	k.why = fmt.Errorf("what runs scripts has ended: %s", k.cmd.ProcessState)
	if broken != nil {
		k.why = fmt.Errorf("what runs scripts was ended: its answer: %w", broken)
	}
	close(k.ended)
}

// gone reports why the keeper has gone, or nil.
func (k *keeper) gone() error {
	select {
	case <-k.ended:
		return k.why
	default:
		return nil
	}
}

// run has a program run to its end, or to the context's.
func (k *keeper) run(ctx context.Context, r request) (answer, error) {
	answered := make(chan answer, 1)
	k.mu.Lock()
	k.waiting[r.Run] = answered
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.waiting, r.Run)
		k.mu.Unlock()
	}()
	if err := k.ask(r); err != nil {
		return answer{}, err
	}
	select {
	case a := <-answered:
		return a, nil
	case <-k.ended:
		return answer{}, k.why
	case <-ctx.Done():
	}
	if err := k.ask(request{Run: r.Run, End: true}); err != nil {
		return answer{}, err
	}
	late := time.NewTimer(endTimeout)
	defer late.Stop()
	select {
	case a := <-answered:
		return a, nil
	case <-k.ended:
		return answer{}, k.why
	case <-late.C:
		_ = k.cmd.Process.Kill() // the next program gets another
		return answer{}, context.Cause(ctx)
	}
}

// ask sends a request. A keeper that does not read is of no use any more.
func (k *keeper) ask(r request) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	err = k.requests.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = k.requests.Write(append(text, '\n'))
	}
	if err != nil {
		_ = k.cmd.Process.Kill()
		return fmt.Errorf("ask what runs scripts: %w", err)
	}
	return nil
}

// close ends the keeper, and with it all that it runs.
func (k *keeper) close() {
	_ = k.requests.Close()
	select {
	case <-k.ended:
	case <-time.After(endTimeout):
		_ = k.cmd.Process.Kill()
		<-k.ended
	}
}

// pid is that of the process.
func (k *keeper) pid() string { return strconv.Itoa(k.cmd.Process.Pid) }
