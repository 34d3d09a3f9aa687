package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

// Modes as they would be if others could do something (fs.FileMode.Perm). A group may be meant to, as with the fsGroup
// of Kubernetes: that is worth a note, where we made the file for its owner alone.
const (
	modeOthersWrite = 0o022
	modeOthersAny   = 0o066
	modeAnyWrite    = 0o006
)

// checkState sees whether what is kept on this machine is whole, and the owner's alone. It makes nothing.
func checkState(_ context.Context, c *Checker) []config.Finding {
	dir, err := c.cfg.StateDirPath(c.env)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	var out []config.Finding
	if _, err := server.ReadKey(filepath.Join(dir, "server.key")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		out = append(out, problemFrom(err))
	}
	if !c.cfg.Simulator && !c.cfg.UsesSimulator() && runtime.GOOS != "windows" { // where modes say nothing
		out = append(out, c.checkModes(dir)...)
	}
	if slices.ContainsFunc(out, func(f config.Finding) bool { return f.Status == config.StatusProblem }) {
		return out
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return append(out, config.Pass("%s is not there yet", dir))
	}
	return append(out, config.Pass("%s is in order", dir))
}

// checkModes looks who else can write what decides, or read what is secret.
func (c *Checker) checkModes(dir string) []config.Finding {
	out := permissiveFiles(dir, modeOthersWrite, "go-w")
	kept, _ := os.ReadDir(dir) // what cannot be listed is told of by who opens it
	for _, file := range kept {
		switch name := file.Name(); {
		case name == "audit.key", name == "server.key", strings.HasPrefix(name, "sign-in-"):
			out = append(out, permissiveFiles(filepath.Join(dir, name), modeOthersAny, "600")...)
		case name == "audit.pub":
			out = append(out, permissiveFiles(filepath.Join(dir, name), modeOthersWrite, "go-w")...)
		}
	}
	where, _ := server.StoreConfig(c.cfg, c.env) // dir is known
	if path, ok := strings.CutPrefix(where.URL, "sqlite:"); ok {
		out = slices.Concat(out, permissiveFiles(path, modeOthersWrite, "go-w"), permissiveFiles(path+"-wal", modeOthersWrite, "go-w"))
	}
	for _, path := range secretFiles(c.cfg) {
		for _, f := range permissiveFiles(path, modeAnyWrite, "o-rw") {
			out = append(out, config.Note(f.Says, f.Next))
		}
	}
	return out
}

// secretFiles are the files, of somebody else's making, that prove who we are, or who calls.
func secretFiles(cfg *config.Config) []string {
	paths := map[string]bool{}
	for _, app := range cfg.AppRegistrations() {
		paths[app.Certificate], paths[app.TokenFile] = true, true
	}
	for _, token := range cfg.HTTP.Tokens {
		paths[token.File] = true
	}
	delete(paths, "")
	return slices.Sorted(maps.Keys(paths))
}

// permissiveFiles finds a file or directory whose mode has any of the bits. It looks at the bits and opens nothing: root can
// open everything, and so does whoever is not meant to. What is not there is not too open.
func permissiveFiles(path string, bits fs.FileMode, mode string) []config.Finding {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&bits == 0 {
		return nil
	}
	can := "read"
	if info.Mode().Perm()&modeOthersWrite&bits != 0 {
		can = "write"
	}
	if info.Mode()&fs.ModeSticky != 0 { // a place like /tmp is meant to be everybody's
		return []config.Finding{config.Problem(path+" is a directory that all users share", "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own.")}
	}
	if info.Mode().Perm()&bits&modeAnyWrite == 0 {
		return []config.Finding{config.Note(fmt.Sprintf("the group of %s can %s it (its mode is %04o)", path, can, info.Mode().Perm()),
			fmt.Sprintf("Unless that is meant, run `chmod %s %s`.", mode, quoteShell(path)))}
	}
	return []config.Finding{config.Problem(fmt.Sprintf("others can %s %s (its mode is %04o)", can, path, info.Mode().Perm()),
		fmt.Sprintf("Run `chmod %s %s`.", mode, quoteShell(path)))}
}

// quoteShell is a word of a shell's command line.
func quoteShell(word string) string {
	plain := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:@%", r))
	}
	if !strings.ContainsFunc(word, plain) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
