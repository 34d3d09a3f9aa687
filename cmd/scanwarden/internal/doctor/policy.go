package doctor

import (
	"context"
	"maps"
	"slices"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/tools"
)

// checkPolicy returns the findings about the policy.
func checkPolicy(_ context.Context, c *Checker) []config.Finding { return c.cfg.PolicyFindings() }

// checkCredentials checks that each secret of each named credential exists. It reads a secret only if it cannot check
// otherwise.
func checkCredentials(ctx context.Context, c *Checker) []config.Finding {
	named := c.server.Credentials()
	if len(named) == 0 {
		return []config.Finding{config.Pass("no named credentials")}
	}
	var out []config.Finding
	for _, name := range slices.Sorted(maps.Keys(named)) {
		tools.Progress(ctx, "looking for the parts of "+name)
		if err := named[name].Exists(ctx, name); err != nil {
			out = append(out, config.Problem(err.Error(), "Correct it before a change that uses it is confirmed: the change would fail."))
			continue
		}
		out = append(out, config.Pass("%s: every part is where the configuration says", name))
	}
	return out
}
