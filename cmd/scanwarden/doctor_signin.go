package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scanwarden/defender"
	"scanwarden/tools"
)

// lookAtSignIn gets the tokens that a server would, and reads from them what they allow.
func lookAtSignIn(ctx context.Context, p *patient) []finding {
	switch {
	case p.cfg.Simulator:
		return []finding{ok("the simulator needs none")}
	case p.cfg.standIn():
		return []finding{ok("%s is a simulator, spoken to over plain http on this machine: it needs none", p.cfg.Defender.URL)}
	}
	if err := p.cfg.missing(); err != nil {
		return []finding{bad(err)}
	}
	ids, err := p.signIn()
	if err != nil {
		return []finding{bad(err)}
	}
	out := p.lookAtToken(ctx, "reading", ids.read, p.cfg.Azure, readers)
	switch {
	case p.cfg.ReadOnly, !p.cfg.writesApart() && out[0].Status == wrong: // once is enough
		return out
	case p.cfg.Auth == onBehalfOf:
		return append(out, ok("writing goes out in the name of whoever asks; their own tokens show what they may do"))
	case p.cfg.writesApart():
		return append(out, p.lookAtToken(ctx, "writing", ids.write, p.cfg.writer(), writers)...)
	}
	return append(out, p.lookAtToken(ctx, "writing", ids.read, p.cfg.Azure, writers)...)
}

// The permissions of WindowsDefenderATP that reading and writing need: the application's (roles), then a person's
// (scp), the least first. Sources: Microsoft's "Add, update, or delete a scan definition" and "List machines"; the
// former's delegated "Machine.Read.Write" is a misprint.
var (
	readers = permissions{
		roles: []string{"Machine.Read.All", "Machine.ReadWrite.All"}, scopes: []string{"Machine.Read", "Machine.ReadWrite"},
	}
	writers = permissions{roles: []string{"Machine.ReadWrite.All"}, scopes: []string{"Machine.ReadWrite"}}
)

type permissions struct{ roles, scopes []string }

func (p *patient) lookAtToken(ctx context.Context, use string, source tokenSource, app azureConfig, need permissions) []finding {
	if err := p.cfg.checkTokenFile(app); err != nil { // before Entra ID is asked anything
		return []finding{bad(fmt.Errorf("%s: %w", use, err))}
	}
	tools.Progress(ctx, "signing in for "+use)
	token, err := source(ctx, defender.TokenRequest{})
	if err != nil {
		return []finding{bad(fmt.Errorf("%s: %w", use, err))}
	}
	claims, err := readClaims(token)
	if err != nil {
		return []finding{noted(use+": a token came, and does not tell what it allows", "The calls to Defender below show it.")}
	}
	granted, want := claims.Roles, need.roles
	if claims.Scopes != "" {
		granted, want = strings.Fields(claims.Scopes), need.scopes
	}
	has := func(permission string) bool { return slices.Contains(granted, permission) }
	if !slices.ContainsFunc(want, has) {
		return []finding{badly(
			fmt.Sprintf("%s: the token of %s lacks %s; it has %s", use, claims.who(), strings.Join(want, " or "), orNothing(granted)),
			fmt.Sprintf("In Entra ID, add the permission %s of WindowsDefenderATP to the app, and have an administrator consent.", want[0]))}
	}
	return []finding{ok("%s: token of %s in tenant %s, with %s", use, claims.who(), printed(claims.Tenant), orNothing(granted))}
}

// claims is what a doctor reads of an access token. It is not verified, and decides nothing.
type claims struct {
	Tenant string   `json:"tid"`
	App    string   `json:"appid"`
	AZP    string   `json:"azp"`
	User   string   `json:"upn"`
	Roles  []string `json:"roles"`
	Scopes string   `json:"scp"`
}

func (c claims) who() string {
	app := c.App
	if app == "" {
		app = c.AZP
	}
	if c.User != "" {
		return printed(c.User)
	}
	return "app " + printed(app)
}

func readClaims(token string) (c claims, err error) {
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

// printed bounds what somebody else wrote, and hides nothing in it.
func printed(text string) string {
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return strings.Trim(fmt.Sprintf("%q", text), `"`)
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return printed(strings.Join(list, ", "))
}
