package spec

import (
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CheckScript is a program on the director whose exit status says pass (0) or fail (anything else).
// It runs without a shell.
type CheckScript struct {
	Command  []string `json:"command,omitempty" required:"false" minItems:"1" doc:"absolute path of the program inside the agent's scripts.directory, and its arguments"`
	Content  string   `json:"content,omitempty" required:"false" maxLength:"65536" doc:"instead of a command: the text of the script, which begins with a line such as #!/bin/sh; only where the agent's file allows it (scripts.allow_inline)"`
	Interval Duration `json:"interval" required:"false" doc:"default 1s; time between two runs, from start to start; 10ms to 24h"`
	Timeout  Duration `json:"timeout" required:"false" doc:"default: the interval; after this the program and all it started are killed and the run has failed; at most the interval"`
	Rise     int      `json:"rise" minimum:"1" maximum:"255" required:"false" default:"1" doc:"passes in a row that turn failing into passing"`
	Fall     int      `json:"fall" minimum:"1" maximum:"255" required:"false" default:"1" doc:"failures in a row that turn passing into failing"`
}

// maxContent is how long the text of a script may be, in bytes.
const maxContent = 64 << 10

// Interpreter returns the program that the first line of a script names, and the argument that it is given before the
// script, as execve(2) reads it; "" is no argument. There is no program where the line does not name one.
func Interpreter(content string) (program, argument string) {
	line, _, _ := strings.Cut(content, "\n")
	line, ok := strings.CutPrefix(line, "#!")
	if !ok {
		return "", ""
	}
	line = strings.Trim(line, " \t")
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return line, ""
	}
	return line[:end], strings.Trim(line[end:], " \t")
}

// content reports what is wrong with the text of a script.
func (e *FieldErrors) content(at, text string) {
	program, _ := Interpreter(text)
	switch first, _, _ := strings.Cut(text, "\n"); {
	case len(text) > maxContent:
		e.add(at, "the script has %d bytes: use at most %d, or put it into the agent's scripts.directory", len(text), maxContent)
	case !strings.HasPrefix(text, "#!"):
		e.add(at, "the first line does not say what runs the script: begin it with a line such as #!/bin/sh")
	case strings.HasSuffix(first, "\r"):
		e.add(at, "the first line ends as on Windows, and nothing of that name is there: write the script with Unix line ends")
	case !path.IsAbs(program):
		e.add(at, "the first line names %q to run the script, which is not an absolute path: write #!/bin/sh or #!/usr/bin/env python3", program)
	case strings.ContainsRune(text, 0):
		e.add(at, "a script cannot hold a NUL byte")
	}
}

// left out in the request; no duration that a user can give
const unset Duration = -1

// DefaultCheckScript returns a check script in which everything that has a fixed default has it.
func DefaultCheckScript() CheckScript {
	return CheckScript{Interval: Duration(time.Second), Timeout: unset, Rise: 1, Fall: 1}
}

// UnmarshalJSONFrom fills in the defaults.
func (v *CheckScript) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain CheckScript
	*v = DefaultCheckScript()
	if err := json.UnmarshalDecode(dec, (*plain)(v)); err != nil {
		return err
	}
	if v.Timeout == unset {
		v.Timeout = v.Interval
	}
	return nil
}

// Validate reports everything that is wrong with the values themselves. Whether the program is there
// and may run only the director can tell.
func (v *CheckScript) Validate() FieldErrors {
	var errs FieldErrors
	switch {
	case v.Content == "" && len(v.Command) == 0:
		errs.add("/command", "a command is needed: a list of the program's absolute path and its arguments; or content, the text of a script")
	case v.Content == "":
		errs.command("/command", v.Command)
	case len(v.Command) > 0:
		errs.add("/content", "a check script has a command or a content, not both: remove one")
	default:
		errs.content("/content", v.Content)
	}
	errs.interval(v.Interval)
	switch {
	case v.Timeout <= 0:
		errs.add("/timeout", "%s is no time to answer in: use more than 0s", v.Timeout)
	case v.Timeout > v.Interval:
		errs.add("/timeout", "%s is longer than the interval of %s: use at most the interval", v.Timeout, v.Interval)
	}
	errs.inARow(v.Rise, v.Fall)
	return errs
}

const (
	minCheckInterval = 10 * time.Millisecond
	maxCheckInterval = 24 * time.Hour
)

// interval reports a time between two rounds of a check that cannot be.
func (e *FieldErrors) interval(d Duration) {
	if d < Duration(minCheckInterval) || d > Duration(maxCheckInterval) {
		e.add("/interval", "%s is out of range: use %s to %s", d, minCheckInterval, maxCheckInterval)
	}
}

// inARow reports results in a row that cannot be counted.
func (e *FieldErrors) inARow(rise, fall int) {
	e.within("/rise", rise, 1, 255)
	e.within("/fall", fall, 1, 255)
}
