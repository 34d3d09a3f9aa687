package main

import (
	"scanwarden/cmd/scanwarden/internal/config"
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// TestFlagsAreSettings: each flag stands for a setting of the same name, each setting that is no secret has a
// flag, and no secret has one.
func TestFlagsAreSettings(t *testing.T) {
	var names []string
	for _, command := range []any{&stdioCommand{}, &serveCommand{}} {
		parser, err := kong.New(command)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range parser.Model.Flags {
			if name := flag.Tag.Get("setting"); name != "" {
				names = append(names, name)
				if want := (config.Setting{Env: name}).FlagName(); flag.Name != want {
					t.Errorf("%s: the flag is --%s, want --%s", name, flag.Name, want)
				}
			}
		}
	}
	for _, s := range config.Settings {
		if has := slices.Contains(names, s.Env); has == s.Secret {
			t.Errorf("%s: secret %v, and has a flag %v", s.Env, s.Secret, has)
		}
	}
}
