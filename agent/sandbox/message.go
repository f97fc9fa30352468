package sandbox

import (
	"errors"
	"os/exec"
	"syscall"
)

// request is what the agent asks of its keeper: to run a program, to say whether it could, or to end one.
type request struct {
	Run uint64 `json:"run"`
	// Rehearse asks for all but the run itself.
	Rehearse bool `json:"rehearse,omitzero"`
	// End asks for the end of the run.
	End  bool     `json:"end,omitzero"`
	File string   `json:"file,omitzero"`
	Line []string `json:"line,omitempty"`
	// Content is what the program finds at inlineDescriptor; "" is nothing.
	Content     string   `json:"content,omitzero"`
	Environment []string `json:"environment,omitempty"`
	Input       []byte   `json:"input,omitempty"`
	Limits      Limits   `json:"limits,omitzero"`
}

// answer is what became of a run.
type answer struct {
	Run uint64 `json:"run"`
	// Unstarted is why the program did not run, and Errno the system's number of that, where it has one.
	Unstarted string        `json:"unstarted,omitzero"`
	Errno     syscall.Errno `json:"errno,omitzero"`
	// Lost is set where the program ran and nothing is known of its end.
	Lost string `json:"lost,omitzero"`
	// Exit is how it ended, where it was not with 0.
	Exit *exit `json:"exit,omitzero"`
}

func (a answer) failed() bool { return a.Unstarted != "" || a.Lost != "" || a.Exit != nil }

// exit is the end of a program. Status is its exit status, or -1 when a signal ended it.
type exit struct {
	Status   int    `json:"status"`
	How      string `json:"how"`
	Line     string `json:"line,omitzero"`
	Exceeded string `json:"exceeded,omitzero"`
}

// ended is the answer to a request whose program came to its end.
func (r request) ended(err error, line string) answer {
	a := answer{Run: r.Run}
	failed, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ok:
		a.Exit = &exit{Status: failed.ExitCode(), How: failed.String(), Line: line, Exceeded: r.Limits.exceeded(failed, line)}
	case err != nil:
		a.Lost = err.Error()
	}
	return a
}

// errnoOf returns the system's number of an error; 0 is none.
func errnoOf(err error) syscall.Errno {
	errno, _ := errors.AsType[syscall.Errno](err)
	return errno
}
