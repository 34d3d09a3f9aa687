package config

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// What to write for a duration, with its bounds.
const (
	expiresForm   = "write a Go duration from 1s to 168h (7 days), such as 15m"
	retentionForm = "write a Go duration from 24h to 87600h (10 years), such as 2160h, or 0h to keep all changes"
)

// reDays matches a number of days or weeks, which Go durations do not have.
var reDays = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]{1,4})([dw])$`) })

// durationSetter returns a setter for a Go duration. form is what the error says to write.
func durationSetter(field func(*Config) **time.Duration, form string) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration%s; %s", value, explainDays(value), form)
		}
		*field(c) = &d
		return nil
	}
}

// explainDays returns the hours of a number of days or weeks, as part of a sentence, and "" for other text.
func explainDays(value string) string {
	found := reDays().FindStringSubmatch(value)
	if found == nil {
		return ""
	}
	n, _ := strconv.Atoi(found[1]) // at most four digits
	hours := n * map[string]int{"d": 24, "w": 7 * 24}[found[2]]
	return fmt.Sprintf(", because days and weeks are not units of it (%s is %dh)", value, hours)
}
