// Package doctor checks everything that a server needs: policy, credentials, clock, sign-in, Defender, authentication of
// callers, Slack, file permissions and the ledger. `scanwarden doctor` prints what it finds.
//
// A check takes a Checker and returns findings, the most important first. It prints nothing; it reports what it waits
// for through tools.Progress. The invariant: no check changes anything, except that opening an older ledger migrates it.
package doctor

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

// Check examines one thing.
type Check struct {
	Name string
	run  func(context.Context, *Checker) []config.Finding
	hint string // Next of a problem that has none
}

// Checks lists all checks, each after those that it depends on.
var Checks = []Check{
	{"environment", checkEnvironment, ""},
	{"policy", checkPolicy, "Correct the policy (SCANWARDEN_APPROVERS and its like)."},
	{"credentials", checkCredentials, "Correct the credentials of the configuration file."},
	{"clock", checkClock, "Correct SCANWARDEN_CLOUD or AZURE_AUTHORITY_HOST."},
	{"sign-in", checkSignIn, "Correct the sign-in (SCANWARDEN_AUTH, AZURE_*); docs/entra.md describes every way."},
	{"Defender", checkDefender, "Correct defender.url (SCANWARDEN_DEFENDER_URL), and check whether the host can be reached."},
	{"callers", checkCallers, "Correct how callers authenticate (SCANWARDEN_HTTP_AUTH, SCANWARDEN_HTTP_TOKEN, http.tokens)."},
	{"Slack", checkSlack, "Check the app's tokens, and whether Slack can be reached."},
	{"state", checkState, "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own."},
	{"ledger", checkStore, "Set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened."},
}

// checkTimeout bounds one check, because a person waits for it.
const checkTimeout = 90 * time.Second

// Checker holds what the checks examine: a configuration, and the components that a server would build from it.
type Checker struct {
	cfg     *config.Config
	env     config.Environment
	version string
	server  *server.Builder
}

// NewChecker returns a Checker for a valid configuration. It calls nothing yet.
func NewChecker(cfg *config.Config, env config.Environment, version string) *Checker {
	return &Checker{cfg: cfg, env: env, version: version, server: server.NewBuilder(cfg, env, slog.New(slog.DiscardHandler), version)}
}

// Run runs one check within its time limit and returns its findings.
func (c *Checker) Run(ctx context.Context, check Check) []config.Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found := check.run(ctx, c)
	for i := range found {
		if found[i].Status == config.StatusProblem {
			found[i].Next = cmp.Or(found[i].Next, check.hint)
		}
	}
	return found
}

// Close ends sign-ins that still wait for their user.
func (c *Checker) Close() {
	if sources, err := c.server.SignIn(); err == nil && sources.Close != nil {
		sources.Close()
	}
}
