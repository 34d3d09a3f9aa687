package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"scanwarden/cmd/scanwarden/internal/config"
)

// The annotations of the flag of a setting.
const (
	annotationEnv     = "scanwarden_env"     // the setting's environment variable
	annotationGroup   = "scanwarden_group"   // the heading in help
	annotationDefault = "scanwarden_default" // what the flag means if it is not given
	annotationNegates = "scanwarden_negates" // on --no-NAME: the setting's environment variable
)

// envConfigFile is the variable that names the configuration file.
const envConfigFile = "SCANWARDEN_CONFIG"

// addSettingFlags adds to cmd the flags of the settings in groups. Secrets have no flag. --config belongs to
// GroupLedger.
func addSettingFlags(cmd *cobra.Command, groups ...config.Group) {
	file := config.Setting{Env: envConfigFile, Group: config.GroupLedger, Arg: "FILE", Help: "YAML configuration file."}
	for _, s := range append([]config.Setting{file}, config.Settings...) {
		if s.Secret || !slices.Contains(groups, s.Group) {
			continue
		}
		addSettingFlag(cmd, s)
	}
}

// addSettingFlag adds the flag of one setting, and --no-NAME if it is true or false.
func addSettingFlag(cmd *cobra.Command, s config.Setting) {
	name := s.Flag()
	if s.IsBool() {
		cmd.Flags().Bool(name, false, s.Help)
		cmd.Flags().Bool("no-"+name, false, s.Help)
		negation := cmd.Flags().Lookup("no-" + name)
		negation.Hidden = true
		annotate(negation, annotationNegates, s.Env)
	} else {
		cmd.Flags().String(name, "", fmt.Sprintf("`%s` %s", s.Arg, s.Help))
	}
	flag := cmd.Flags().Lookup(name)
	annotate(flag, annotationEnv, s.Env)
	annotate(flag, annotationGroup, string(s.Group))
	annotate(flag, annotationDefault, s.Default)
	if s.Values != nil {
		// The error is about a flag that does not exist, and it was just added.
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(s.Values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// addFlagNote sets the heading under which help shows a flag that is no setting, and what it means if it is not given.
func addFlagNote(cmd *cobra.Command, name, group, unset string) {
	flag := cmd.Flags().Lookup(name)
	annotate(flag, annotationGroup, group)
	annotate(flag, annotationDefault, unset)
}

// annotate sets an annotation of a flag.
func annotate(flag *pflag.Flag, key, value string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[key] = []string{value}
}

// annotation returns an annotation of a flag, "" if it has none.
func annotation(flag *pflag.Flag, key string) string {
	return strings.Join(flag.Annotations[key], "")
}

// givenSettings returns the values of the setting flags that were given, by the name of the environment variable.
func givenSettings(cmd *cobra.Command) config.Flags {
	given := config.Flags{}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if name := annotation(flag, annotationEnv); name != "" {
			given[name] = flag.Value.String()
		}
		if name := annotation(flag, annotationNegates); name != "" {
			given[name] = map[string]string{"true": "false", "false": "true"}[flag.Value.String()]
		}
	})
	return given
}

// explainFlagError returns err as a usage error. For an unknown flag it adds the flag that was probably meant.
func explainFlagError(cmd *cobra.Command, err error) error {
	hint := ""
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
		var known []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
		if best := config.Closest(unknown.GetSpecifiedName(), known); best != "" {
			hint = fmt.Sprintf("; did you mean --%s?", best)
		}
		err = fmt.Errorf("unknown flag --%s", unknown.GetSpecifiedName())
	}
	return usageError{fmt.Errorf("%w%s; see \"%s --help\"", err, hint, cmd.CommandPath())}
}
