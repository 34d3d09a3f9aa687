package config

import (
	"strings"
	"time"

	"scanwarden/defender"
)

// validate returns all mistakes, each with its setting and the fix. What is only missing is no mistake: a server
// without a tenant starts, and MissingSettings explains it in each tool call.
func (c *Config) validate() []error {
	var mistakes []error
	for _, check := range []func() error{
		c.checkSignIn, c.checkEndpoints, c.checkDatabaseURL, c.checkDatabaseAuth, c.checkRetention, c.checkSlack, c.checkAccountLink, c.checkChannels, c.checkApprovers,
		c.checkRules, c.checkPeople, c.checkApprovalsRequired, c.checkLimits, c.checkCredentials, c.checkHTTP, c.checkLogs,
	} {
		if err := check(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return mistakes
}

// checkEndpoints returns the error of Endpoints.
func (c *Config) checkEndpoints() error {
	_, err := c.Endpoints()
	return err
}

// Endpoints returns the hosts of Defender and Entra ID. The built-in simulator has an
// address only once it listens.
func (c *Config) Endpoints() (defender.Endpoints, error) {
	e, err := defender.EndpointsFor(c.Defender.Cloud, c.Defender.Region)
	if err != nil {
		return e, c.OriginOf(c.conflictingSetting()).Errorf("%w", err)
	}
	if c.Defender.URL != "" {
		if err := defender.CheckURL(c.Defender.URL); err != nil {
			return e, c.OriginOf("defender.url").Errorf("%w", err)
		}
		e.URL = strings.TrimRight(c.Defender.URL, "/")
	}
	if c.Defender.Scope != "" {
		e.Scope = c.Defender.Scope
	}
	if c.Azure.Authority != "" {
		e.Authority = "https://" + c.authorityHost()
	}
	return e, nil
}

// conflictingSetting returns the key to correct if cloud and region conflict: the more specific one that is given.
func (c *Config) conflictingSetting() string {
	if c.Defender.Region != "" {
		return "defender.region"
	}
	return "defender.cloud"
}

// authorityHost returns the sign-in host. Like the Azure SDKs it accepts a URL, with or without a trailing slash, or
// the host alone.
func (c *Config) authorityHost() string {
	return strings.TrimRight(strings.TrimPrefix(c.Azure.Authority, "https://"), "/")
}

// checkDatabaseURL returns an error for a database that is neither SQLite nor PostgreSQL.
func (c *Config) checkDatabaseURL() error {
	kind, rest, _ := strings.Cut(c.DatabaseURL, ":")
	switch {
	case strings.Contains(c.DatabaseURL, "${"):
		return c.OriginOf("database_url").Errorf("it has a variable in it, which nothing replaces here; write the value itself")
	case c.DatabaseURL == "", kind == "sqlite" && rest != "":
		return nil
	case (kind == "postgres" || kind == "postgresql") && strings.HasPrefix(rest, "//"):
		return nil
	}
	// The value may hold a password: do not repeat it.
	return c.OriginOf("database_url").Errorf("write sqlite:PATH or postgres://USER@HOST/DATABASE")
}

// checkDatabaseAuth returns an error where no token could serve as the password of the database.
func (c *Config) checkDatabaseAuth() error {
	where := c.OriginOf("database_auth")
	switch {
	case c.DatabaseAuth == "", c.DatabaseAuth == "password":
		return nil
	case c.DatabaseAuth != "entra":
		return where.Errorf("write password or entra")
	case !strings.HasPrefix(c.DatabaseURL, "postgres"):
		return where.Errorf("entra is for PostgreSQL; set SCANWARDEN_DATABASE_URL to postgres://USER@HOST/DATABASE?sslmode=verify-full")
	case c.Auth != "" && c.Auth != "client" && c.Auth != "managed-identity" && c.Auth != OnBehalfOf:
		return where.Errorf("entra needs an application or a managed identity, and a user signs in here; set SCANWARDEN_AUTH accordingly, or use password")
	}
	return nil
}

// Bounds of the retention. Changes that ended a moment ago must stay visible to those who wait for them.
const (
	DefaultRetention = 90 * 24 * time.Hour
	minRetention     = 24 * time.Hour
	maxRetention     = 10 * 365 * 24 * time.Hour
)

// RetentionPeriod returns how long changes are kept after they have ended. Zero keeps all.
func (c *Config) RetentionPeriod() time.Duration {
	if c.Retention == nil {
		return DefaultRetention
	}
	return *c.Retention
}

// checkRetention returns an error for a retention out of bounds.
func (c *Config) checkRetention() error {
	if d := c.RetentionPeriod(); d != 0 && (d < minRetention || d > maxRetention) {
		return c.OriginOf("retention").Errorf("%s is out of bounds; %s", d, retentionForm)
	}
	return nil
}

// checkApprovers returns an error for a malformed approver or requester.
func (c *Config) checkApprovers() error {
	for i, approver := range c.Policy.Approvers {
		if err := CheckPrincipal(approver, principalPrefixes); err != nil {
			return c.OriginOf("policy.approvers", i).Errorf("%w", err)
		}
	}
	for i, requester := range c.Policy.Requesters {
		if err := CheckPrincipal(requester, principalPrefixes); err != nil {
			return c.OriginOf("policy.requesters", i).Errorf("%w", err)
		}
	}
	return nil
}
