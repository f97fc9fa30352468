package sandbox

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// firstLine is how much of a script the kernel reads to find its interpreter, in bytes (binfmt_script).
const firstLine = 256

// rehearse says as the user of programs why one could not start: he cannot get to it, or its interpreter is missing.
func rehearse(r request) answer {
	err := unix.Access(r.File, unix.X_OK)
	if err == nil {
		err = interpretable(r.File)
	}
	if err != nil {
		return answer{Run: r.Run, Unstarted: plain(err), Errno: errnoOf(err)}
	}
	return answer{Run: r.Run}
}

// interpretable reports why the interpreter that a script names cannot run it. A file that cannot be read is no script.
func interpretable(path string) error {
	file, err := os.Open(path) // #nosec G304 -- the administrator's, which the agent has admitted
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, firstLine))
	if err != nil {
		return err
	}
	program, _ := spec.Interpreter(string(text))
	if program == "" {
		return nil
	}
	return unix.Access(program, unix.X_OK)
}
