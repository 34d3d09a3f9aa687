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

// The permission bits that a file must not have (fs.FileMode.Perm). Access of a group may be intended, as with the fsGroup
// of Kubernetes, so it is a note and not a problem.
const (
	modeOthersWrite = 0o022
	modeOthersAny   = 0o066
	modeWorldAny    = 0o006
)

// checkState checks the files in the state directory and their permissions. It creates nothing.
func checkState(_ context.Context, c *Checker) []config.Finding {
	dir, err := c.cfg.StateDirPath(c.env)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	var out []config.Finding
	if _, err := server.ReadKey(filepath.Join(dir, "server.key")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		out = append(out, problemFrom(err))
	}
	if !c.cfg.Simulator && !c.cfg.UsesSimulator() && runtime.GOOS != "windows" { // Windows has no modes
		out = append(out, c.checkModes(dir)...)
	}
	if slices.ContainsFunc(out, func(f config.Finding) bool { return f.Status == config.StatusProblem }) {
		return out
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return append(out, config.Pass("%s does not exist yet", dir))
	}
	return append(out, config.Pass("%s is in order", dir))
}

// checkModes checks that no other user can write the files that decide, or read the files that are secret.
func (c *Checker) checkModes(dir string) []config.Finding {
	out := permissiveFiles(dir, modeOthersWrite, "go-w")
	entries, _ := os.ReadDir(dir) // the ledger check reports a directory that cannot be read
	for _, file := range entries {
		switch name := file.Name(); {
		case name == "audit.key", name == "server.key", strings.HasPrefix(name, "sign-in-"):
			out = append(out, permissiveFiles(filepath.Join(dir, name), modeOthersAny, "600")...)
		case name == "audit.pub", strings.HasPrefix(name, "audit.head-"):
			out = append(out, permissiveFiles(filepath.Join(dir, name), modeOthersWrite, "go-w")...)
		}
	}
	location, _ := server.StoreConfig(c.cfg, c.env) // dir is known
	if path, ok := strings.CutPrefix(location.URL, "sqlite:"); ok {
		out = slices.Concat(out, permissiveFiles(path, modeOthersWrite, "go-w"), permissiveFiles(path+"-wal", modeOthersWrite, "go-w"))
	}
	for _, path := range secretFiles(c.cfg) {
		for _, f := range permissiveFiles(path, modeWorldAny, "o-rw") {
			out = append(out, config.Note(f.Says, f.Next))
		}
	}
	return out
}

// secretFiles returns the files that hold credentials of the server or its callers, and that an operator created.
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

// permissiveFiles returns a finding if the mode of a file or directory has any of the bits. It does not open the file,
// because root could open everything. A file that does not exist is not permissive.
func permissiveFiles(path string, bits fs.FileMode, mode string) []config.Finding {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&bits == 0 {
		return nil
	}
	can := "read"
	if info.Mode().Perm()&modeOthersWrite&bits != 0 {
		can = "write"
	}
	if info.Mode()&fs.ModeSticky != 0 { // such as /tmp
		return []config.Finding{config.Problem(path+" is a directory that all users share", "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own.")}
	}
	if info.Mode().Perm()&bits&modeWorldAny == 0 {
		return []config.Finding{config.Note(fmt.Sprintf("the group of %s can %s it (its mode is %04o)", path, can, info.Mode().Perm()),
			fmt.Sprintf("Unless that is meant, run `chmod %s %s`.", mode, quoteShell(path)))}
	}
	return []config.Finding{config.Problem(fmt.Sprintf("others can %s %s (its mode is %04o)", can, path, info.Mode().Perm()),
		fmt.Sprintf("Run `chmod %s %s`.", mode, quoteShell(path)))}
}

// quoteShell returns a word of a shell command line, in quotes if it needs them.
func quoteShell(word string) string {
	plain := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:@%", r))
	}
	if !strings.ContainsFunc(word, plain) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
