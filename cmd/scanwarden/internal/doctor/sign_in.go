package doctor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender"
	"scanwarden/tools"
)

// checkSignIn gets the tokens that a server would use, and reads their permissions.
func checkSignIn(ctx context.Context, c *Checker) []config.Finding {
	switch {
	case c.cfg.Simulator:
		return []config.Finding{config.Pass("the simulator needs none")}
	case c.cfg.UsesSimulator():
		return []config.Finding{config.Pass("none: %s is taken for a simulator (plain http on this machine, and no credential is set)", c.cfg.Defender.URL)}
	}
	if err := c.cfg.MissingSettings(); err != nil {
		missing := problemFrom(err)
		missing.Next = "Set what is missing where scanwarden is started (docs/entra.md describes every way to sign in), or try it without a tenant, with --simulator."
		return []config.Finding{missing}
	}
	sources, err := c.server.SignIn()
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	read := tokenUse{"reading", sources.Read, c.cfg.Azure, readPermissions}
	out := c.checkToken(ctx, read)
	switch {
	case c.cfg.ReadOnly, !c.cfg.HasSeparateWriter() && out[0].Status == config.StatusProblem: // the same token would fail again
		return out
	case c.cfg.Auth == config.OnBehalfOf:
		return append(out, config.Pass("writes are sent on behalf of the requester, whose own token decides what is allowed"))
	case c.cfg.HasSeparateWriter():
		return append(out, c.checkToken(ctx, tokenUse{"writing", sources.Write, c.cfg.WriterApp(), writePermissions})...)
	}
	return append(out, c.checkToken(ctx, tokenUse{"writing", sources.Read, c.cfg.Azure, writePermissions})...)
}

// The permissions of WindowsDefenderATP that reading and writing need: the application's (roles), then a user's
// (scp), the least privileged first. Sources: Microsoft's "Add, update, or delete a scan definition" and "List machines"; the
// former's delegated "Machine.Read.Write" is a misprint.
var (
	readPermissions = permissions{
		roles: []string{"Machine.Read.All", "Machine.ReadWrite.All"}, scopes: []string{"Machine.Read", "Machine.ReadWrite"},
	}
	writePermissions = permissions{roles: []string{"Machine.ReadWrite.All"}, scopes: []string{"Machine.ReadWrite"}}
)

// permissions are roles, of which an application needs one, and scopes, of which a user needs one. The least privileged
// is first.
type permissions struct{ roles, scopes []string }

// tokenUse is a token that a server uses: what for, where it comes from, and what it must permit.
type tokenUse struct {
	name   string // reading or writing
	source server.TokenSource
	app    config.AppRegistration
	need   permissions
}

// checkToken gets one token and checks that it has one of the needed permissions.
func (c *Checker) checkToken(ctx context.Context, use tokenUse) []config.Finding {
	if err := c.cfg.CheckTokenFile(use.app); err != nil { // fails without a call to Entra ID
		return []config.Finding{problemFrom(fmt.Errorf("%s: %w", use.name, err))}
	}
	tools.Progress(ctx, "signing in for "+use.name)
	token, err := use.source(ctx, defender.TokenRequest{})
	if err != nil {
		return []config.Finding{problemFrom(fmt.Errorf("%s: %w", use.name, err))}
	}
	claims, err := parseClaims(token)
	if err != nil {
		return []config.Finding{config.Note(use.name+": the token does not show its permissions", "The calls to Defender below show whether it works.")}
	}
	granted, want := claims.Roles, use.need.roles
	if claims.Scopes != "" {
		granted, want = strings.Fields(claims.Scopes), use.need.scopes
	}
	has := func(permission string) bool { return slices.Contains(granted, permission) }
	if !slices.ContainsFunc(want, has) {
		return []config.Finding{config.Problem(
			fmt.Sprintf("%s: the token of %s lacks %s; it has %s", use.name, claims.holder(), strings.Join(want, " or "), joinOrNone(granted)),
			fmt.Sprintf("In Entra ID, add the permission %s of WindowsDefenderATP to the app, and have an administrator consent.", want[0]))}
	}
	return []config.Finding{config.Pass("%s: token of %s in tenant %s, with %s", use.name, claims.holder(), sanitizeText(claims.Tenant), joinOrNone(granted))}
}

// tokenClaims are claims of an access token. They are not verified and decide nothing.
type tokenClaims struct {
	Tenant string   `json:"tid"`
	App    string   `json:"appid"`
	AZP    string   `json:"azp"`
	User   string   `json:"upn"`
	Roles  []string `json:"roles"`
	Scopes string   `json:"scp"`
}

// holder returns the user or application that the token is for.
func (c tokenClaims) holder() string {
	app := c.App
	if app == "" {
		app = c.AZP
	}
	if c.User != "" {
		return sanitizeText(c.User)
	}
	return "app " + sanitizeText(app)
}

// parseClaims returns the claims of a JWT without verifying it.
func parseClaims(token string) (c tokenClaims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return c, errors.New("not a JWT")
	}
	if json.Unmarshal(payload, &c) != nil {
		return c, errors.New("not a JWT")
	}
	return c, nil
}

// sanitizeText returns text of another system, bounded and with invisible characters escaped.
func sanitizeText(text string) string {
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return strings.Trim(fmt.Sprintf("%q", text), `"`)
}

// joinOrNone returns the entries separated by commas, or "nothing".
func joinOrNone(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return sanitizeText(strings.Join(list, ", "))
}
