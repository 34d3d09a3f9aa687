package slackbot

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"scanwarden/tools"
)

// scansCommand is the command that reads. All other commands are operations.
const scansCommand = "scans"

// reCommand matches what Slack accepts as a command: at most 32 characters with the slash.
var reCommand = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/[a-z0-9][a-z0-9_-]{0,30}$`) })

// reservedCommands are built into Slack; an app cannot have them.
var reservedCommands = map[string]bool{
	"/status": true, "/me": true, "/join": true, "/away": true, "/dnd": true, "/shrug": true, "/remind": true,
	"/msg": true, "/feed": true, "/who": true, "/collapse": true, "/expand": true, "/leave": true, "/open": true,
	"/search": true, "/topic": true, "/mute": true, "/pro": true, "/shortcuts": true,
}

// normalizeCommand returns command in lower case with underscores for hyphens, so that users can type either.
func normalizeCommand(command string) string {
	return strings.ReplaceAll(strings.ToLower(command), "-", "_")
}

// commandFor returns the configured slash command of an operation or of "scans".
func (cfg Config) commandFor(operation string) string {
	name := cmp.Or(cfg.Commands[operation], "/"+operation)
	return "/" + strings.TrimPrefix(name, "/")
}

// commandNames returns the operations by their normalized commands. It returns an error for names that Slack would
// reject.
func commandNames(cfg Config) (map[string]string, error) {
	names := map[string]string{}
	add := func(operation string) error {
		command := cfg.commandFor(operation)
		switch other, there := names[normalizeCommand(command)]; {
		case !reCommand().MatchString(command) || reservedCommands[command]:
			return fmt.Errorf("slack: commands: %q for %s is not a name that Slack takes; use a slash and up to 31 small letters, digits, hyphens and underscores", command, operation)
		case there:
			return fmt.Errorf("slack: commands: %q is the command of both %s and %s; give each its own", command, other, operation)
		}
		names[normalizeCommand(command)] = operation
		return nil
	}
	known := map[string]bool{scansCommand: true}
	for _, op := range cfg.Operations {
		if op.Effect == tools.Proposes {
			known[op.Name] = true
			if err := add(op.Name); err != nil {
				return nil, err
			}
		}
	}
	for operation := range cfg.Commands {
		if !known[operation] && len(known) > 1 { // a read-only server ignores the commands that are configured for writing
			return nil, fmt.Errorf("slack: commands: there is no operation %q", operation)
		}
	}
	return names, add(scansCommand)
}
