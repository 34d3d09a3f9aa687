package browser

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// newTestFinder returns a finder on an empty file system, in which every named program is in /bin.
func newTestFinder(t *testing.T, env map[string]string, programs ...string) finder {
	t.Helper()
	return finder{
		Config: Config{Env: env}, system: "linux", root: t.TempDir(), user: os.Getuid(), isWSL: func() bool { return false },
		lookPath: func(name string) (string, error) {
			if slices.Contains(programs, name) {
				return "/bin/" + name, nil
			}
			return "", exec.ErrNotFound
		},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	for name, tt := range map[string]struct {
		env      env
		setting  string
		system   string
		wsl      bool
		programs []string
		want     string // the command line, or words of the error
		fails    bool
	}{
		"a desktop":                    {env: env{"DISPLAY": ":0"}, programs: []string{"xdg-open"}, want: "/bin/xdg-open"},
		"no opener":                    {env: env{"DISPLAY": ":0"}, want: "xdg-open", fails: true},
		"turned off":                   {env: env{"DISPLAY": ":0"}, setting: None, programs: []string{"xdg-open"}, want: "turned off", fails: true},
		"a program of one's own":       {env: env{"CI": "1"}, setting: "firefox", programs: []string{"firefox"}, want: "/bin/firefox"},
		"one that does not exist":      {setting: "firefox", want: "SCANWARDEN_BROWSER", fails: true},
		"an automated run":             {env: env{"CI": "true", "DISPLAY": ":0"}, programs: []string{"xdg-open"}, want: "(CI)", fails: true},
		"$BROWSER of a remote editor":  {env: env{"BROWSER": "helper.sh"}, programs: []string{"helper.sh"}, want: "/bin/helper.sh"},
		"$BROWSER with an argument":    {env: env{"BROWSER": "w3m:firefox --new-window %s"}, programs: []string{"w3m", "firefox"}, want: "/bin/firefox --new-window"},
		"$BROWSER in a terminal only":  {env: env{"BROWSER": "w3m"}, programs: []string{"w3m"}, want: "no desktop session", fails: true},
		"SSH without a display":        {env: env{"SSH_CONNECTION": "x"}, programs: []string{"xdg-open"}, want: "SSH", fails: true},
		"a container":                  {programs: []string{"xdg-open"}, want: "container", fails: true},
		"macOS":                        {system: "darwin", programs: []string{"open"}, want: "/bin/open"},
		"Windows":                      {system: "windows", programs: []string{"rundll32"}, want: "/bin/rundll32 url.dll,FileProtocolHandler"},
		"WSL with wslu":                {wsl: true, programs: []string{"wslview", "rundll32.exe"}, want: "/bin/wslview"},
		"WSL without it, and no shell": {wsl: true, programs: []string{"rundll32.exe", "cmd.exe"}, want: "/bin/rundll32.exe url.dll,FileProtocolHandler"},
	} {
		f := newTestFinder(t, tt.env, tt.programs...)
		f.Program = tt.setting
		f.isWSL = func() bool { return tt.wsl }
		if tt.system != "" {
			f.system = tt.system
		}
		b, err := f.find()
		got := strings.Join(append([]string{b.program}, b.args...), " ")
		if err != nil {
			got = err.Error()
		}
		if (err != nil) != tt.fails || tt.fails && !strings.Contains(got, tt.want) || !tt.fails && got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// listen makes a socket below the finder's root.
func listen(t *testing.T, f finder, name string) {
	t.Helper()
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path)) // the path of a socket is short
	l, err := net.Listen("unix", filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

// TestFindsTheSessionThatAClientHides: Codex starts its servers without DISPLAY and the like.
func TestFindsTheSessionThatAClientHides(t *testing.T) {
	f := newTestFinder(t, map[string]string{"HOME": "/home/ada"}, "xdg-open")
	runtimeDir := "run/user/" + strconv.Itoa(f.user)
	listen(t, f, runtimeDir+"/wayland-0")
	listen(t, f, runtimeDir+"/bus")
	listen(t, f, "tmp/.X11-unix/X0")
	b, err := f.find()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"HOME=/home/ada", "WAYLAND_DISPLAY=wayland-0", "DISPLAY=:0", "XDG_RUNTIME_DIR=" + filepath.Join(f.root, runtimeDir),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(f.root, runtimeDir, "bus"),
	} {
		if !slices.Contains(b.env, want) {
			t.Errorf("the browser's environment lacks %s: %q", want, b.env)
		}
	}
}

// TestNeverUsesTheSessionOfAnother: another user's X server would show them the page.
func TestNeverUsesTheSessionOfAnother(t *testing.T) {
	f := newTestFinder(t, nil, "xdg-open")
	listen(t, f, "tmp/.X11-unix/X0")
	f.user++
	if b, err := f.find(); err == nil {
		t.Errorf("found %+v", b)
	}
}

// TestOpenNamesNoAddress: a program that fails or is missing is an error without the address.
func TestOpenNamesNoAddress(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:1/open/secret"
	for _, program := range []string{"/bin/false", "/does/not/exist"} {
		err := Browser{program: program}.Open(t.Context(), address)
		if !errors.Is(err, ErrFailed) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", program, err)
		}
	}
	if err := (Browser{program: "/bin/true"}).Open(t.Context(), address); err != nil {
		t.Error(err)
	}
}

// TestOpenDoesNotEndTheBrowser: a program that goes on is left alone when the caller stops waiting.
func TestOpenDoesNotEndTheBrowser(t *testing.T) {
	t.Parallel()
	done := filepath.Join(t.TempDir(), "done")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := Browser{program: "/bin/sh", args: []string{"-c", `read line < "$0"; echo went on > "$0.out"`, done}}
	if err := exec.Command("mkfifo", done, done+".out").Run(); err != nil {
		t.Skip("there is no mkfifo")
	}
	if err := b.Open(ctx, "http://127.0.0.1:1/"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(done, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(done + ".out"); err != nil || string(text) != "went on\n" {
		t.Errorf("%q, %v", text, err)
	}
}
