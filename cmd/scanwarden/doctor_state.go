package main

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
)

// Modes as they would be if others could do something (fs.FileMode.Perm). A group may be meant to, as with the fsGroup
// of Kubernetes: that is worth a note, where we made the file for its owner alone.
const (
	othersWrite = 0o022
	othersTouch = 0o066
	anybody     = 0o006
)

// lookAtState sees whether what is kept on this machine is whole, and the owner's alone. It makes nothing.
func lookAtState(_ context.Context, p *patient) []finding {
	dir, err := p.cfg.stateDirName(p.env)
	if err != nil {
		return []finding{bad(err)}
	}
	var out []finding
	if _, err := readKey(filepath.Join(dir, "server.key")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		out = append(out, bad(err))
	}
	if !p.cfg.Simulator && !p.cfg.standIn() && runtime.GOOS != "windows" { // where modes say nothing
		out = append(out, p.lookAtModes(dir)...)
	}
	if slices.ContainsFunc(out, func(f finding) bool { return f.Status == wrong }) {
		return out
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return append(out, ok("%s is not there yet", dir))
	}
	return append(out, ok("%s is in order", dir))
}

// lookAtModes looks who else can write what decides, or read what is secret.
func (p *patient) lookAtModes(dir string) []finding {
	out := tooOpen(dir, othersWrite, "go-w")
	kept, _ := os.ReadDir(dir) // what cannot be listed is told of by who opens it
	for _, file := range kept {
		switch name := file.Name(); {
		case name == "audit.key", name == "server.key", strings.HasPrefix(name, "sign-in-"):
			out = append(out, tooOpen(filepath.Join(dir, name), othersTouch, "600")...)
		case name == "audit.pub":
			out = append(out, tooOpen(filepath.Join(dir, name), othersWrite, "go-w")...)
		}
	}
	where, _ := p.cfg.ledgerPlace(p.env) // dir is known
	if path, ok := strings.CutPrefix(where.URL, "sqlite:"); ok {
		out = slices.Concat(out, tooOpen(path, othersWrite, "go-w"), tooOpen(path+"-wal", othersWrite, "go-w"))
	}
	for _, path := range p.cfg.secretFiles() {
		for _, f := range tooOpen(path, anybody, "o-rw") {
			out = append(out, noted(f.Says, f.Next))
		}
	}
	return out
}

// secretFiles are the files, of somebody else's making, that prove who we are, or who calls.
func (c *config) secretFiles() []string {
	paths := map[string]bool{}
	for _, app := range c.apps() {
		paths[app.Certificate], paths[app.TokenFile] = true, true
	}
	for _, token := range c.HTTP.Tokens {
		paths[token.file] = true
	}
	delete(paths, "")
	return slices.Sorted(maps.Keys(paths))
}

// tooOpen finds a file or directory whose mode has any of the bits. It looks at the bits and opens nothing: root can
// open everything, and so does whoever is not meant to. What is not there is not too open.
func tooOpen(path string, bits fs.FileMode, mode string) []finding {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&bits == 0 {
		return nil
	}
	can := "read"
	if info.Mode().Perm()&othersWrite&bits != 0 {
		can = "write"
	}
	if info.Mode()&fs.ModeSticky != 0 { // a place like /tmp is meant to be everybody's
		return []finding{badly(path+" is a directory that everybody shares", "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own.")}
	}
	if info.Mode().Perm()&bits&anybody == 0 {
		return []finding{noted(fmt.Sprintf("the group of %s can %s it (its mode is %04o)", path, can, info.Mode().Perm()),
			fmt.Sprintf("Unless that is meant, run `chmod %s %s`.", mode, quoted(path)))}
	}
	return []finding{badly(fmt.Sprintf("others can %s %s (its mode is %04o)", can, path, info.Mode().Perm()),
		fmt.Sprintf("Run `chmod %s %s`.", mode, quoted(path)))}
}

// quoted is a word of a shell's command line.
func quoted(word string) string {
	plain := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:@%", r))
	}
	if !strings.ContainsFunc(word, plain) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
