package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sys/unix"
)

// KeeperArgument is the only argument of a program that is started to be a keeper.
const KeeperArgument = "keep-programs"

// IsKeeper reports whether this process was started to be a keeper, by its arguments: main has to call Keep then, and
// nothing else.
func IsKeeper(arguments []string) bool { return len(arguments) == 2 && arguments[1] == KeeperArgument }

// pipeGrace is how long the output of a program may stay open when nothing of it is left that we could find.
const pipeGrace = 100 * time.Millisecond

// keeping is the process between the agent and its programs. It is the user as whom they run and may do what they may,
// so what its children are given by mistake is nothing.
type keeping struct {
	answers struct {
		sync.Mutex
		io.Writer
	}
	jobs chan func()
	// leaders are the processes that were started, with their runs, until they are waited for. Jobs alone touch it.
	leaders map[int]uint64
}

// Keep is the work of a keeper: it runs the programs that the agent asks for, until the agent closes its end or dies.
// Then it kills all of them and returns.
func Keep(requests io.Reader, answers io.Writer) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of what programs leave behind: %w", err)
	}
	// It ends when the agent does and not before: whoever stops the agent's service may tell all its processes. The
	// programs get the signals' default, because these are not ignored but caught.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGPIPE)
	defer signal.Stop(caught)
	// The agent may be spared when memory runs out (OOMScoreAdjust=); its programs are not it.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0)
	// A script, which is the same user, could else speak for others: by ptrace, or through /proc/PID/fd.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close this process to its programs: %w", err)
	}

	if err := limitSelf(); err != nil {
		return err
	}
	endStrays()

	k := &keeping{jobs: make(chan func()), leaders: map[int]uint64{}}
	k.answers.Writer = answers
	go k.work()
	all, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer func() {
		cancel()
		running.Wait()
	}()
	return k.serve(all, requests, &running)
}

// serve reads requests until there are no more.
func (k *keeping) serve(all context.Context, requests io.Reader, running *sync.WaitGroup) error {
	var mu sync.Mutex
	ends := map[uint64]context.CancelFunc{}
	decoder := jsontext.NewDecoder(requests)
	for {
		var r request
		if err := json.UnmarshalDecode(decoder, &r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what the agent asks for: %w", err)
		}
		mu.Lock()
		end, known := ends[r.Run]
		mu.Unlock()
		switch {
		case known:
			end()
		case r.End: // it has ended already
		case r.Rehearse:
			running.Go(func() { k.answer(rehearse(r)) }) // its disk may not answer
		default:
			ctx, end := context.WithCancel(all)
			mu.Lock()
			ends[r.Run] = end
			mu.Unlock()
			running.Go(func() {
				defer end()
				a := k.run(ctx, r)
				mu.Lock()
				delete(ends, r.Run)
				mu.Unlock()
				k.answer(a)
			})
		}
	}
}

// work does what has to be done one after the other, and on a thread that lives as long as the process: the kernel
// kills a leader when the thread that started it ends (PR_SET_PDEATHSIG).
func (k *keeping) work() {
	runtime.LockOSThread()
	for job := range k.jobs {
		job()
	}
}

// do has a job done.
func (k *keeping) do(job func()) {
	done := make(chan struct{})
	k.jobs <- func() {
		job()
		close(done)
	}
	<-done
}

// run runs a program to its end or the context's, and returns when nothing of it is left.
func (k *keeping) run(ctx context.Context, r request) answer {
	var out output
	cmd := exec.CommandContext(ctx, r.File, r.Line[1:]...) // #nosec G204 -- the administrator's, which the agent has admitted
	cmd.Args[0] = r.Line[0]
	cmd.Dir = "/"
	cmd.Env = append([]string{searchPath}, r.Environment...)
	if r.Input != nil {
		cmd.Stdin = bytes.NewReader(r.Input)
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	if r.Content != "" {
		script, err := sealed(r.Content)
		if err != nil {
			return answer{Run: r.Run, Unstarted: err.Error()}
		}
		defer func() { _ = script.Close() }()
		cmd.ExtraFiles = []*os.File{script} // the first is inlineDescriptor
	}
	var err, unlimited error
	k.do(func() {
		if err = cmd.Start(); err == nil {
			k.leaders[cmd.Process.Pid] = r.Run
			unlimited = k.impose(r.Limits, r.Run, cmd.Process.Pid)
		}
	})
	if err != nil {
		return answer{Run: r.Run, Unstarted: plain(err), Errno: errnoOf(err)}
	}
	if unlimited != nil {
		_ = cmd.Process.Kill()
	}
	awaitEnd(cmd.Process.Pid)
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // the rest of its group, whose id is not given to another until we wait
	k.endRun(r.Run)
	err = cmd.Wait()
	k.do(func() { delete(k.leaders, cmd.Process.Pid) })
	switch {
	case unlimited != nil:
		return answer{Run: r.Run, Unstarted: unlimited.Error()}
	case err != nil && ctx.Err() != nil:
		return answer{Run: r.Run, Unstarted: "it was ended"}
	}
	return r.ended(err, out.line())
}

// awaitEnd returns when a child is dead, without waiting for it as a parent does. A thread that waited would count as
// one of the user's processes.
func awaitEnd(pid int) {
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		_ = unix.SetNonblock(fd, true) // else the runtime would not wait for it without a thread
		file := os.NewFile(uintptr(fd), "pidfd")
		defer func() { _ = file.Close() }()
		if conn, err := file.SyscallConn(); err == nil && conn.Read(dead) == nil {
			return
		}
	}
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		continue
	}
}

// dead reports whether the process of a descriptor is dead.
func dead(pidfd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
	return n > 0 && err == nil
}

func (k *keeping) answer(a answer) {
	text, err := json.Marshal(a)
	if err != nil {
		text, _ = json.Marshal(answer{Run: a.Run, Unstarted: err.Error()})
	}
	k.answers.Lock()
	defer k.answers.Unlock()
	_, _ = k.answers.Write(append(text, '\n')) // an agent that does not hear it has gone
}
