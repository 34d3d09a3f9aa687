package web

import (
	"strings"

	"scanwarden/confirm"
)

// approverName returns the name or the principal of an approver, or whom a group names.
func approverName(a confirm.Approver) string {
	switch {
	case a.Group != "":
		kind, name, _ := strings.Cut(a.Group, ":")
		if kind == "entra-role" {
			return "Everybody with the role " + name
		}
		return "Everybody in the Slack group " + name
	case a.Name != "":
		return a.Name
	}
	return string(a.Principal)
}

// initials returns up to two letters for the badge beside a name.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if r := []rune(word)[0]; len(out) < 2 {
			out = append(out, r)
		}
	}
	return strings.ToUpper(string(out))
}

// viewerName returns the viewer's name, or the principal where no name is known.
func viewerName(v Viewer) string {
	if v.Name != "" {
		return v.Name
	}
	return string(v.Principal)
}
