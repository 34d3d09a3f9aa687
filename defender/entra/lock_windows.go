package entra

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// tryLock locks an open file. It returns false if another process holds the lock. Closing the file releases it.
func tryLock(f *os.File) (bool, error) {
	const (
		failImmediately = 1
		exclusive       = 2
		lockViolation   = syscall.Errno(33)
	)
	var start syscall.Overlapped
	lockFileEx := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")
	taken, _, err := lockFileEx.Call(f.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&start)))
	if taken == 0 && errors.Is(err, lockViolation) {
		return false, nil
	}
	if taken == 0 {
		return false, err
	}
	return true, nil
}
