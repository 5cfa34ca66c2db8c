//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package delivery

import (
	"errors"
	"os"
)

// lock fails: without locks of the kernel two processes could not tell whose
// files are whose, and the queue stays in memory.
func lock(*os.File) error {
	return errors.New("this operating system has no flock: no queue on disk")
}
