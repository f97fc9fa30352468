package lab

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

var errGoexit = errors.New("the function ended its goroutine instead of returning")

// onOwnThread calls fn on a thread that runs nothing else and is thrown away afterwards, so that fn
// may move it to another namespace. It returns when fn does.
func onOwnThread(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() { result <- err }()
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if unix.Gettid() == os.Getpid() {
			// The first thread cannot be thrown away. While it waits here, another serves.
			defer runtime.UnlockOSThread()
			err = onOwnThread(fn)
			return
		}
		err = fn()
	}()
	return <-result
}
