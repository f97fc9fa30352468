package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// inlineDescriptor is where a program finds the script that it is to run.
const inlineDescriptor = 3

// inline returns what runs the text of a script: the program that its first line names, as the kernel would do it with a
// file. It is in none: the state folder is closed to the user of scripts, and a way in would be one to all that is there.
func inline(content string) (request, error) {
	program, argument := spec.Interpreter(content)
	info, err := os.Stat(program)
	switch {
	case err != nil:
		return request{}, fmt.Errorf("the first line names %s to run the script: %s on this director", program, plain(err))
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return request{}, fmt.Errorf("the first line names %s to run the script, which is no program on this director", program)
	}
	r := request{File: program, Line: []string{program}, Content: content}
	if argument != "" {
		r.Line = append(r.Line, argument)
	}
	r.Line = append(r.Line, fmt.Sprintf("/proc/self/fd/%d", inlineDescriptor))
	return r, nil
}

// sealed returns a file in memory that nobody can change, not even whom it is given to.
func sealed(content string) (*os.File, error) {
	fd, err := unix.MemfdCreate("script", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("script", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("make room for the script: %w", err)
	}
	file := os.NewFile(uintptr(fd), "script")
	if _, err = file.WriteString(content); err == nil {
		_, err = unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("write down the script: %w", err)
	}
	return file, nil
}
