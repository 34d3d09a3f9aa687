//go:build unix

package entra

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock on an open file, or reports that another has it. Closing the file gives it back.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
