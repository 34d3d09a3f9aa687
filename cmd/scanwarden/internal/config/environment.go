package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/tools"
)

// Flags are the given flags by the environment name they stand for.
type Flags map[string]string

// Environment is the process environment by name.
type Environment map[string]string

// ParseEnvironment takes what os.Environ returns.
func ParseEnvironment(environ []string) Environment {
	env := make(Environment, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// envPrefix marks the names that are ours alone, so that a misspelt one is an error and not a surprise.
const envPrefix = "SCANWARDEN_"

// checkNames refuses a name with our prefix that means nothing, and names the one that was probably meant.
func (e Environment) checkNames() error {
	known := []string{envPrefix + "CONFIG"}
	for _, s := range Settings {
		known = append(known, s.Env)
	}
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) {
			continue
		}
		return fmt.Errorf("environment: %s is not a setting of scanwarden%s", name, didYouMean(name, known))
	}
	return nil
}

// Closest is the known name that a misspelt one is closest to, "" when none is close.
func Closest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := tools.EditDistance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// didYouMean is a hint at the nearest known name, or at the list of all of them.
func didYouMean(name string, known []string) string {
	best := Closest(name, known)
	if best == "" {
		return `: unset it, or see "scanwarden serve --help" for the names there are`
	}
	return fmt.Sprintf(": unset it; did you mean %s?", best)
}
