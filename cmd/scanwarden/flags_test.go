package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"scanwarden/cmd/scanwarden/internal/config"
)

// TestFlagsAreSettings: each flag stands for a setting of the same name, each setting that is no secret has a
// flag, and no secret has one.
func TestFlagsAreSettings(t *testing.T) {
	t.Parallel()
	var names []string
	for _, command := range newRootCommand(environment{}).Commands() {
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if name := annotation(flag, annotationEnv); name != "" {
				names = append(names, name)
				if want := (config.Setting{Env: name}).Flag(); flag.Name != want {
					t.Errorf("%s: the flag is --%s, want --%s", name, flag.Name, want)
				}
			}
		})
	}
	for _, s := range config.Settings {
		if has := slices.Contains(names, s.Env); has == s.Secret {
			t.Errorf("%s: secret %v, and has a flag %v", s.Env, s.Secret, has)
		}
		if s.Help == "" || s.Group == "" {
			t.Errorf("%s has no help or no group", s.Env)
		}
	}
}

// TestGivenSettings: a flag that was given is a value, one that was not is none, and --no-NAME is false.
func TestGivenSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want config.Flags
	}{
		{[]string{}, config.Flags{}},
		{[]string{"--read-only"}, config.Flags{"SCANWARDEN_READ_ONLY": "true"}},
		{[]string{"--read-only=false"}, config.Flags{"SCANWARDEN_READ_ONLY": "false"}},
		{[]string{"--no-read-only"}, config.Flags{"SCANWARDEN_READ_ONLY": "false"}},
		{[]string{"--no-self-approval", "--listen", "", "--cloud=gcc"}, config.Flags{"SCANWARDEN_SELF_APPROVAL": "false", "SCANWARDEN_LISTEN": "", "SCANWARDEN_CLOUD": "gcc"}},
		{[]string{"--config", "a", "--config", "b"}, config.Flags{"SCANWARDEN_CONFIG": "b"}},
	} {
		cmd := newServeCommand(environment{})
		if err := cmd.ParseFlags(tt.args); err != nil {
			t.Errorf("%v: %v", tt.args, err)
			continue
		}
		if got := givenSettings(cmd); !maps.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.args, got, tt.want)
		}
	}
}
