//go:build !windows

package browser

import (
	"io/fs"
	"os/exec"
	"syscall"
)

// detach gives the program a session of its own, so that Ctrl-C in this terminal does not end the browser.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// ownerOf returns the id of the user that a file belongs to, and -1 if it is not known.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
