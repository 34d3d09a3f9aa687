package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/tools"
)

// Flags holds the values of the flags that were given, by the name of the environment variable with the same meaning.
type Flags map[string]string

// SimulatorFlag is the entry of Flags for --simulator, which is no setting: no variable and no file may turn it on.
const SimulatorFlag = "--simulator"

// Environment holds the environment variables of the process by name.
type Environment map[string]string

// ParseEnvironment returns the variables of what os.Environ returns.
func ParseEnvironment(environ []string) Environment {
	env := make(Environment, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// envPrefix begins the names of our own variables, so that an unknown name with it is a mistake.
const envPrefix = "SCANWARDEN_"

// checkNames returns an error for an unknown variable with our prefix, with the name that was probably meant. The
// variables that Kubernetes makes for a Service are not the user's to unset, and are ignored.
func (e Environment) checkNames() error {
	known := []string{envPrefix + "CONFIG"}
	for _, s := range Settings {
		known = append(known, s.Env)
	}
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) || isServiceVariable(name, e[name]) {
			continue
		}
		return fmt.Errorf("environment: %s is not a setting of scanwarden%s", name, didYouMean(name, known))
	}
	return nil
}

// Closest returns the known name with the smallest edit distance from name, or "" if none is close.
func Closest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := tools.EditDistance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// didYouMean returns a hint that names the closest known name, or the help that lists all of them.
func didYouMean(name string, known []string) string {
	best := Closest(name, known)
	if best == "" {
		return `: unset it, or see "scanwarden serve --help" for the names there are`
	}
	return fmt.Sprintf(": unset it; did you mean %s?", best)
}
