package lab

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed guest/ptrace.c
var ptraceSource []byte

// ptraceLibrary returns the path of the library that the guest is started with; ptrace.c says what
// for. It is compiled once a user, and again when its source changes. Where there is no folder for
// such things it is compiled into fallback.
func ptraceLibrary(ctx context.Context, fallback string) (string, error) {
	sum := sha256.Sum256(ptraceSource)
	name := "ptrace-" + hex.EncodeToString(sum[:8]) + ".so"
	dir, err := cacheDir()
	if err != nil {
		dir = fallback
	}
	library := filepath.Join(dir, name)
	if _, err := os.Stat(library); err == nil {
		return library, nil
	}
	if err := compile(ctx, library); err != nil {
		return "", fmt.Errorf("compile the guest's ptrace: %w", err)
	}
	return library, nil
}

// cacheDir returns the lab's folder for what is made once, made if it was missing.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "lvs-lab")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	probe, err := os.CreateTemp(dir, "writable-")
	if err != nil {
		return "", err
	}
	return dir, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// compile makes the library in a file of another name and renames it, so that nobody sees half of it
// and any number of compilers may run at once.
func compile(ctx context.Context, library string) error {
	work, err := os.MkdirTemp(filepath.Dir(library), "compile-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	source, object := filepath.Join(work, "ptrace.c"), filepath.Join(work, "ptrace.so")
	if err := os.WriteFile(source, ptraceSource, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", object, source)
	if says, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, says)
	}
	return os.Rename(object, library)
}
