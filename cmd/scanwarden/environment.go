package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/tools"
)

// environment is the process environment by name.
type environment map[string]string

// parseEnvironment takes what os.Environ returns.
func parseEnvironment(environ []string) environment {
	env := make(environment, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// prefix marks the names that are ours alone, so that a misspelt one is an error and not a surprise.
const prefix = "SCANWARDEN_"

// checkNames refuses a name with our prefix that means nothing, and names the one that was probably meant.
func (e environment) checkNames() error {
	known := []string{prefix + "CONFIG"}
	for _, s := range settings {
		known = append(known, s.env)
	}
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) {
			continue
		}
		return fmt.Errorf("environment: %s is not a setting of scanwarden%s", name, meant(name, known))
	}
	return nil
}

// nearest is the known name that a misspelt one is closest to, "" when none is close.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := tools.EditDistance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// meant is a hint at the nearest known name, or at the list of all of them.
func meant(name string, known []string) string {
	best := nearest(name, known)
	if best == "" {
		return `: unset it, or see "scanwarden serve --help" for the names there are`
	}
	return fmt.Sprintf(": unset it; did you mean %s?", best)
}
