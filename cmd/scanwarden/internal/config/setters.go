package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"scanwarden/defender"
)

func stringSetter(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = value
		return nil
	}
}

func secretSetter(field func(*Config) *defender.Secret) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = defender.NewSecret(value)
		return nil
	}
}

func listSetter(field func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, value string) error {
		entries := splitCommas(value)
		if len(entries) == 0 {
			return errEmptyList
		}
		*field(c) = entries
		return nil
	}
}

// errEmptyList keeps a value such as "," (two variables that were joined, both unset) from taking away what the
// file restricts.
var errEmptyList = errors.New("the list has commas or blanks and no entry; write entries between the commas, or unset it")

func intSetter(field func(*Config) **int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number; write one, such as 50", value)
		}
		*field(c) = &n
		return nil
	}
}

func boolSetter(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false; write one of them", value)
		}
		*field(c) = yes
		return nil
	}
}

func setExpires(c *Config, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write one, such as 15m", value)
	}
	c.Policy.Expires = &d
	return nil
}

func setApprovalsRequired(c *Config, value string) error {
	required := map[string]int{}
	for _, entry := range splitCommas(value) {
		tool, count, _ := strings.Cut(entry, "=")
		tool = strings.TrimSpace(tool)
		n, err := strconv.Atoi(strings.TrimSpace(count))
		if err != nil {
			return fmt.Errorf("%q is not TOOL=NUMBER; write, for example, delete_scans=2", entry)
		}
		if _, twice := required[tool]; twice {
			return fmt.Errorf("%s stands there twice; keep one number for it", tool)
		}
		required[tool] = n
	}
	if len(required) == 0 {
		return errEmptyList
	}
	c.Policy.ApprovalsRequired = required
	return nil
}

// splitCommas splits a list as the environment writes it; spaces around an entry and empty entries fall away.
func splitCommas(value string) []string {
	entries := strings.Split(value, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return slices.DeleteFunc(entries, func(entry string) bool { return entry == "" })
}
