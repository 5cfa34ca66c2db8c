//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package delivery

import (
	"os"
	"syscall"
)

// lock takes the lock of an open file, or fails at once when another process
// has it. The kernel gives it up when the process ends, however it ends.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
