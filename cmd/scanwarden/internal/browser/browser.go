// Package browser opens an address in the browser of the local user, without a shell. It looks for the user's desktop
// session where an MCP client has started this process without the variables that name it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// None is the setting that turns browsers off.
const None = "none"

// Config says how to open a browser. The zero value uses the user's own, as far as one is found.
type Config struct {
	Program string            // a program that is run with the address as its only argument; "" finds one, None never opens any
	Env     map[string]string // the environment of this process
}

// Browser starts one program that opens addresses.
type Browser struct {
	program string
	args    []string // before the address
	env     []string // of the program; nil means that of this process
}

// Find returns the browser of the local user. Its error says why there is none, in words for users. It starts nothing.
func Find(cfg Config) (Browser, error) { return newFinder(cfg).find() }

// finder is where Find looks. Tests replace it.
type finder struct {
	Config
	system   string // as runtime.GOOS
	root     string // of the file system: "/"
	user     int
	lookPath func(string) (string, error)
	isWSL    func() bool
}

func newFinder(cfg Config) finder {
	return finder{Config: cfg, system: runtime.GOOS, root: "/", user: os.Getuid(), lookPath: exec.LookPath, isWSL: isWSL}
}

// find implements Find.
func (f finder) find() (Browser, error) {
	switch {
	case f.Program == None:
		return Browser{}, errors.New("opening a browser is turned off (SCANWARDEN_BROWSER=none)")
	case f.Program != "":
		path, err := f.lookPath(f.Program)
		if err != nil {
			return Browser{}, fmt.Errorf("SCANWARDEN_BROWSER names a program that cannot be run: %w", err)
		}
		return Browser{program: path}, nil
	case f.Env["CI"] != "":
		return Browser{}, errors.New("the environment says that this is an automated run (CI)")
	}
	if b, ok := f.fromVariable(); ok {
		return b, nil
	}
	switch {
	case f.system == "darwin":
		return f.first(nil, "open")
	case f.system == "windows":
		return f.first([]string{"url.dll,FileProtocolHandler"}, "rundll32")
	case f.isWSL():
		if b, err := f.first(nil, "wslview"); err == nil {
			return b, nil
		}
		return f.first([]string{"url.dll,FileProtocolHandler"}, "rundll32.exe", "/mnt/c/Windows/System32/rundll32.exe")
	}
	env, err := f.desktop()
	if err != nil {
		return Browser{}, err
	}
	b, err := f.first(nil, "xdg-open", "x-www-browser")
	b.env = env
	return b, err
}

// textBrowsers need a terminal, which this process has none of.
var textBrowsers = []string{"w3m", "lynx", "links", "links2", "elinks", "www-browser", "sensible-browser"}

// fromVariable returns the first usable program that $BROWSER names. Remote editors set it to reach the user's machine.
func (f finder) fromVariable() (Browser, bool) {
	for entry := range strings.SplitSeq(f.Env["BROWSER"], string(os.PathListSeparator)) {
		words := strings.Fields(entry)
		if len(words) == 0 || slices.Contains(textBrowsers, filepath.Base(words[0])) {
			continue
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "%s" })
		if path, err := f.lookPath(words[0]); err == nil {
			return Browser{program: path, args: words[1:]}, true
		}
	}
	return Browser{}, false
}

// first returns the first of the programs that exists, with args before the address.
func (f finder) first(args []string, programs ...string) (Browser, error) {
	for _, program := range programs {
		if path, err := f.lookPath(program); err == nil {
			return Browser{program: path, args: args}, nil
		}
	}
	return Browser{}, fmt.Errorf("no program that opens a browser is installed (%s)", strings.Join(programs, ", "))
}

// isWSL reports whether this is the Windows Subsystem for Linux.
func isWSL() bool {
	version, err := os.ReadFile("/proc/version")
	return err == nil && strings.Contains(strings.ToLower(string(version)), "microsoft")
}

// ErrFailed means that the program could not be started, or has ended with an error.
var ErrFailed = errors.New("the program that opens the browser has failed")

// Open starts the program with the address, and returns when the program has ended or ctx is done. The program may be the
// browser itself and outlive the call; nil does not say that a page was shown. Its output is discarded: on stdio it would
// disturb the protocol. An error does not name the address.
func (b Browser) Open(ctx context.Context, address string) error {
	cmd := exec.Command(b.program, append(slices.Clone(b.args), address)...)
	cmd.Env = b.env
	detach(cmd)
	if err := cmd.Start(); err != nil {
		if missing := (*fs.PathError)(nil); errors.As(err, &missing) {
			err = missing.Err
		}
		return fmt.Errorf("%w: start %s: %w", ErrFailed, filepath.Base(b.program), err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the program
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrFailed, filepath.Base(b.program), err)
		}
		return nil
	case <-ctx.Done():
		return nil
	}
}
