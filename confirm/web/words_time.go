package web

import (
	"strconv"
	"time"

	"scanwarden/confirm"
)

// leftWords returns a time span in whole minutes, or in seconds if it is short.
func leftWords(d time.Duration) string {
	switch {
	case d <= 0:
		return "no time left"
	case d < time.Minute:
		return countWords(int(d.Seconds()), "second left", "seconds left")
	case d < 2*time.Hour:
		return countWords(int(d.Minutes()), "minute left", "minutes left")
	}
	return countWords(int(d.Hours()), "hour left", "hours left")
}

// agoWords returns how long ago t was.
func agoWords(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return countWords(int(d.Minutes()), "minute ago", "minutes ago")
	case d < 24*time.Hour:
		return countWords(int(d.Hours()), "hour ago", "hours ago")
	}
	return countWords(int(now.Sub(t).Hours()/24), "day ago", "days ago")
}

// clockWords returns the time of day in UTC.
func clockWords(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// dayWords returns the day, with the time of day, in UTC.
func dayWords(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// endedWords returns the time of day of today, and the day of an earlier time, in UTC.
func endedWords(t, now time.Time) string {
	if t, now = t.UTC(), now.UTC(); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan 2006")
}

// isoTime returns the time for the datetime attribute.
func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// leftPercent returns how much of the time to decide is left.
func leftPercent(c confirm.Change, now time.Time) string {
	total := c.Expires.Sub(c.Created)
	if total <= 0 {
		return "0"
	}
	return strconv.Itoa(int(100 * timeLeft(c, now) / total))
}

// leftSeconds returns the duration of the animation that empties the bar.
func leftSeconds(c confirm.Change, now time.Time) string {
	return strconv.Itoa(int(timeLeft(c, now).Seconds())) + "s"
}
