package web

import "regexp"

// reReturnPath matches the pages that a sign-in can return to: the list of changes, and one change by its ULID.
var reReturnPath = regexp.MustCompile(`^/changes(/[0-9A-HJKMNP-TV-Z]{26})?$`)

// ReturnPath returns the path to go to after a sign-in: the given one if it is a page of this server, and otherwise the
// list of changes. It never returns an address of another site.
func ReturnPath(path string) string {
	if !reReturnPath.MatchString(path) {
		return "/changes"
	}
	return path
}
