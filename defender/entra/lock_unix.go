//go:build unix

package entra

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks an open file. It returns false if another process holds the lock. Closing the file releases it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
