package browser

import (
	"io/fs"
	"os/exec"
	"syscall"
)

// detach gives the program a process group of its own, so that Ctrl-C in this terminal does not end the browser.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// ownerOf returns -1: Windows needs no search for a desktop session.
func ownerOf(fs.FileInfo) int { return -1 }
