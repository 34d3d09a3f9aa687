//go:build !linux

package web

// isSameUser returns true: only Linux has a table that names the owner of a connection.
func isSameUser(_, _ string) bool { return true }
