package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

// checkRules compiles the rules of the policy. An error names line and column.
func (c *Config) checkRules() error {
	if len(c.Policy.Rules) == 0 {
		return nil // the compiler is slow to start
	}
	sources := make([]rule.Source, len(c.Policy.Rules))
	for i, r := range c.Policy.Rules {
		sources[i] = rule.Source{
			Name: r.Name, When: r.When.text, Approvals: r.Approvals, Refuse: r.Refuse, AuthContext: r.AuthContext, Line: r.When.line, Column: r.When.column, Folds: r.When.folds,
		}
	}
	operations, err := writeOperations()
	if err != nil {
		return err
	}
	if c.rules, err = rule.Compile(sources, operations...); err != nil {
		return fmt.Errorf("configuration file %s: policy.rules: %w", c.path, err)
	}
	return nil
}

// checkApprovalsRequired returns an error for an unknown operation and for a number out of bounds.
func (c *Config) checkApprovalsRequired() error {
	if len(c.Policy.ApprovalsRequired) == 0 {
		return nil
	}
	operations, err := writeOperations()
	if err != nil {
		return err
	}
	for _, tool := range slices.Sorted(maps.Keys(c.Policy.ApprovalsRequired)) {
		where := c.OriginOf("policy.approvals_required", tool)
		if !slices.Contains(operations, tool) {
			return where.Errorf("%s", unknownOperation(tool, operations))
		}
		switch n := c.Policy.ApprovalsRequired[tool]; {
		case n < 1:
			return where.Errorf("%s=%d would need no approver; write 1 or more", tool, n)
		case n > confirm.MaxApprovals:
			return where.Errorf("%s=%d is too many; write %d or less", tool, n, confirm.MaxApprovals)
		}
	}
	return nil
}

const (
	// minExpiry leaves an approver the time to notice the change.
	minExpiry = time.Second
	// maxExpiry bounds how old the live state can be that a change was planned against.
	maxExpiry = 7 * 24 * time.Hour
	// maxOpenChanges bounds what is read of the ledger to count the open changes of a requester.
	maxOpenChanges = 1000
)

// checkLimits returns an error for a limit of the policy that is out of bounds.
func (c *Config) checkLimits() error {
	if d := c.Policy.Expires; d != nil && (*d < minExpiry || *d > maxExpiry) {
		return c.OriginOf("policy.expires").Errorf("%s is out of bounds; %s", *d, expiresForm)
	}
	for _, limit := range []struct {
		key string
		n   *int
	}{
		{"policy.max_scans_per_delete", c.Policy.MaxScansPerDelete}, {"policy.max_addresses_per_scan", c.Policy.MaxAddressesPerScan},
		{"policy.max_open_changes", c.Policy.MaxOpenChanges},
	} {
		if limit.n != nil && *limit.n < 1 {
			return c.OriginOf(limit.key).Errorf("%d is too small; write 1 or more", *limit.n)
		}
	}
	if n := c.Policy.MaxOpenChanges; n != nil && *n > maxOpenChanges {
		return c.OriginOf("policy.max_open_changes").Errorf("%d is too large; write %d or less", *n, maxOpenChanges)
	}
	return nil
}
