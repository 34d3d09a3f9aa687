package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"scanwarden/defender"
)

// stringSetter returns a setter that stores the value in a field.
func stringSetter(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = value
		return nil
	}
}

// secretSetter returns a setter that stores the value as a secret.
func secretSetter(field func(*Config) *defender.Secret) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = defender.NewSecret(value)
		return nil
	}
}

// listSetter returns a setter that splits the value at commas.
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

// errEmptyList reports a list such as "," (two joined variables, both unset). Accepting it would remove what the file
// restricts.
var errEmptyList = errors.New("the list has commas or blanks and no entry; write entries between the commas, or unset it")

// intSetter returns a setter for a whole number.
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

// boolSetter returns a setter for true or false.
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

// setApprovalsRequired sets the approvals from a list such as "delete_scans=2,add_scan=1".
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
			return fmt.Errorf("%s is listed twice; keep one number for it", tool)
		}
		required[tool] = n
	}
	if len(required) == 0 {
		return errEmptyList
	}
	c.Policy.ApprovalsRequired = required
	return nil
}

// splitCommas returns the entries of a comma-separated list without surrounding spaces. Empty entries are dropped.
func splitCommas(value string) []string {
	entries := strings.Split(value, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return slices.DeleteFunc(entries, func(entry string) bool { return entry == "" })
}
