package browser

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// desktop returns the environment in which a program finds the user's desktop session; nil if this process has it already.
// Some MCP clients start their servers without DISPLAY and WAYLAND_DISPLAY. A session of another user is never taken: they
// would see the page.
func (f finder) desktop() ([]string, error) {
	if f.Env["DISPLAY"] != "" || f.Env["WAYLAND_DISPLAY"] != "" {
		return nil, nil
	}
	if f.Env["SSH_CONNECTION"] != "" {
		return nil, errors.New("this is an SSH session without a display")
	}
	runtimeDir := filepath.Join(f.root, "run/user", strconv.Itoa(f.user))
	var found []string
	if f.isOwnSocket(filepath.Join(runtimeDir, "wayland-0")) {
		found = append(found, "WAYLAND_DISPLAY=wayland-0")
	}
	if f.isOwnSocket(filepath.Join(f.root, "tmp/.X11-unix/X0")) {
		found = append(found, "DISPLAY=:0")
		found = append(found, f.xAuthority(runtimeDir)...)
	}
	if len(found) == 0 {
		return nil, errors.New("no desktop session of this user is found (SSH, a container, or no one is signed in)")
	}
	found = append(found, "XDG_RUNTIME_DIR="+runtimeDir)
	if bus := filepath.Join(runtimeDir, "bus"); f.isOwnSocket(bus) {
		found = append(found, "DBUS_SESSION_BUS_ADDRESS=unix:path="+bus)
	}
	env := make([]string, 0, len(f.Env)+len(found))
	for name, value := range f.Env {
		env = append(env, name+"="+value)
	}
	return append(env, found...), nil
}

// xAuthority returns the variable that names the X server's cookie, where a display manager keeps it; nil if there is none.
func (f finder) xAuthority(runtimeDir string) []string {
	if f.Env["XAUTHORITY"] != "" {
		return nil
	}
	names := []string{filepath.Join(runtimeDir, "gdm/Xauthority")}
	if wayland, err := filepath.Glob(filepath.Join(runtimeDir, ".mutter-Xwaylandauth.*")); err == nil {
		names = append(names, wayland...)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && ownerOf(info) == f.user {
			return []string{"XAUTHORITY=" + name}
		}
	}
	return nil
}

// isOwnSocket reports whether name is a socket that belongs to the user. Every user can put one into /tmp.
func (f finder) isOwnSocket(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&os.ModeSocket != 0 && ownerOf(info) == f.user
}
