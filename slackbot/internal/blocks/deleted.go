package blocks

import (
	"strings"

	"scanwarden/tools"
)

// deletedText returns every field of a scan that is deleted, in few lines: enough to make the scan again by hand. A field that it does
// not know by name gets a line of its own. Each line begins with a word of ours, so that no value can look like another field.
func deletedText(s tools.PlannedScan) string {
	left := map[string]tools.PlannedField{}
	for _, f := range s.Unchanged {
		left[f.Name] = f
	}
	take := func(name string) (text, note string) {
		f := left[name]
		delete(left, name)
		return f.Value()
	}
	var lines []string
	add := func(label string, parts ...string) {
		if text := joinPresent(parts); text != "" {
			lines = append(lines, label+" "+text)
		}
	}
	target, addresses := take("target")
	add("target", target, addresses)
	add("runs", intervalText(take), activeText(take))
	scanType, _ := take("scanType")
	targetType, _ := take("targetType")
	add("type", scanType, targetType)
	machine, name := take("scannerAgent.machineId")
	add("scanner", machine)
	add("  ", name)
	if text, _ := take("scanName"); text != s.Name {
		add("scanName", text)
	}
	for _, f := range s.Unchanged {
		if _, ok := left[f.Name]; ok {
			text, note := take(f.Name)
			add(f.Name, text, note)
		}
	}
	add("id", s.ID)
	return strings.Join(lines, "\n")
}

// intervalText returns how often a scan runs.
func intervalText(take func(string) (string, string)) string {
	switch hours, _ := take("intervalInHours"); hours {
	case "", "null":
		return hours
	default:
		return "every " + hours + " h"
	}
}

// activeText returns whether a scan runs at all.
func activeText(take func(string) (string, string)) string {
	switch active, _ := take("isActive"); active {
	case "true":
		return "active"
	case "false":
		return "not active"
	default:
		return active
	}
}

// joinPresent joins the texts that are not empty.
func joinPresent(texts []string) string {
	var present []string
	for _, t := range texts {
		if t != "" {
			present = append(present, t)
		}
	}
	return strings.Join(present, ", ")
}
