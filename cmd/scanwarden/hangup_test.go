package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestHangupEndsServe: SIGHUP, which the end of a terminal sends, ends a server as SIGTERM does.
func TestHangupEndsServe(t *testing.T) {
	t.Parallel()
	newStack(t).serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken).endsWith(t, syscall.SIGHUP, 0)
}

// TestHangupStaysIgnored: nohup starts a program with SIGHUP ignored, and the program must leave it so.
func TestHangupStaysIgnored(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("only Linux shows which signals a process ignores")
	}
	s := newStack(t)
	served := s.serveAs(t, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
		cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", served.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "SigIgn:")
	line, _, _ := strings.Cut(rest, "\n")
	ignored, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil || ignored&(1<<(syscall.SIGHUP-1)) == 0 {
		t.Errorf("a server under nohup does not ignore SIGHUP: SigIgn is %q (%v)", line, err)
	}
	served.endsWell(t)
}
