package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AuthContext is an authentication context of Microsoft Entra ID that a sign-in has satisfied.
type AuthContext struct {
	ID string    `json:"id"` // "c1" to "c99"
	At time.Time `json:"at"` // when the person signed in with it
}

// contextLifetime is how long an approval can refer to a sign-in with an authentication context.
const contextLifetime = 15 * time.Minute

// clockTolerance is how far ahead the clock of the process can be that a person signed in to.
const clockTolerance = time.Minute

// IsAuthContext reports whether id names an authentication context: "c1" to "c99".
func IsAuthContext(id string) bool {
	digits, ok := strings.CutPrefix(id, "c")
	n, err := strconv.Atoi(digits)
	return ok && err == nil && n >= 1 && n <= 99 && strconv.Itoa(n) == digits
}

// isFresh reports whether an approval at this time can refer to the sign-in.
func (a AuthContext) isFresh(at time.Time) bool {
	return IsAuthContext(a.ID) && !a.At.After(at.Add(clockTolerance)) && at.Sub(a.At) <= contextLifetime
}

// freshContexts returns those of the contexts that an approval at this time can refer to, as they read back from the
// ledger. It returns nil for none.
func freshContexts(contexts []AuthContext, at time.Time) (fresh []AuthContext) {
	for _, a := range contexts {
		if a.isFresh(at) {
			fresh = append(fresh, AuthContext{a.ID, a.At.UTC()})
		}
	}
	return fresh
}

// ContextRequirement is an authentication context that a rule of the policy requires of each approval of a change.
type ContextRequirement struct {
	ID   string // "c1" to "c99"
	Rule string // the name of the first rule that requires it
}

// Text returns the requirement as the reason that people see.
func (r ContextRequirement) Text() string {
	return fmt.Sprintf("the rule %q asks for a Microsoft sign-in with the authentication context %s", r.Rule, r.ID)
}

// RequiredContexts returns the authentication contexts that the policy of this moment requires of each approval of c, nil
// for none.
func (g *Gate) RequiredContexts(c Change) []ContextRequirement {
	return g.cfg.Policy.requirementFor(c.ruleInput()).contexts
}

// addContext adds the authentication context of a rule, once.
func (need *requirement) addContext(r Rule) {
	if !slices.ContainsFunc(need.contexts, func(c ContextRequirement) bool { return c.ID == r.AuthContext }) {
		need.contexts = append(need.contexts, ContextRequirement{r.AuthContext, r.Name})
	}
}

// missingContext returns a *ContextError for the first context that the approval d lacks, and nil if it has all.
func (need requirement) missingContext(c Change, d Decision) error {
	for _, required := range need.contexts {
		has := func(a AuthContext) bool { return a.ID == required.ID && a.isFresh(d.At) }
		if d.Channel != WebPage || !slices.ContainsFunc(d.Contexts, has) {
			return &ContextError{Required: required, asked: slices.Contains(c.Channels, WebPage)}
		}
	}
	return nil
}

// ContextError means that an approval lacks an authentication context that a rule requires.
type ContextError struct {
	Required ContextRequirement
	Page     string // the address of the page on which it can be made, for people only; "" if there is none
	asked    bool   // the change is put to people on the page
}

// Error returns why the approval does not count and what to do. It names no address, because a model may read it.
func (e *ContextError) Error() string {
	if !e.asked {
		return e.Required.Text() + ", and this change is not put to people on the page; ask for it again"
	}
	return e.Required.Text() + "; open the page of this change (http.public_url, SCANWARDEN_PUBLIC_URL) and sign in again there to approve"
}

// TextForPeople returns Error with the address of the page. It must not be shown to a model.
func (e *ContextError) TextForPeople() string {
	if !e.asked || e.Page == "" {
		return e.Error()
	}
	return e.Required.Text() + "; open " + e.Page + " and sign in again there to approve"
}

// withPage returns err with the address of the page of a change, if err is a *ContextError.
func (g *Gate) withPage(c Change, err error) error {
	var missing *ContextError
	if g.cfg.ContextPage != nil && errors.As(err, &missing) {
		missing.Page = g.cfg.ContextPage(c.ID)
	}
	return err
}

// withContextPage returns by with the channels on which a change with this requirement can be decided. Where a rule
// requires an authentication context, that is the page; Slack stays for announcing and denying. It returns an error if
// this process has no page with a Microsoft sign-in.
func (g *Gate) withContextPage(need requirement, by Requester) (Requester, error) {
	if len(need.contexts) == 0 || need.refusal != nil {
		return by, nil
	}
	if g.cfg.ContextPage == nil {
		return by, fmt.Errorf("the policy requires what nobody can do here: %s, and this server has no page with one; have an operator run serve with http.public_url (SCANWARDEN_PUBLIC_URL) and a credential of the app registration, or alter the rule", need.contexts[0].Text())
	}
	channels := []Channel{WebPage}
	if slices.Contains(by.Channels, Slack) {
		channels = append(channels, Slack)
	}
	by.Channels, by.Fallback = channels, nil
	return by, nil
}

// contextWarnings returns a warning for each authentication context that an approval needs.
func (need requirement) contextWarnings() (warnings []string) {
	for _, required := range need.contexts {
		warnings = append(warnings, "policy: "+required.Text()+"; approve on the page of this change")
	}
	return warnings
}

// canSignIn reports whether a listed approver can sign in to Microsoft: as a member of a role, or with a principal of
// their person.
func (a authorizer) canSignIn(approver Principal) bool {
	isEntra := func(p Principal) bool { return strings.HasPrefix(string(p), "entra") }
	return isEntra(approver) || slices.ContainsFunc(a.ids.personOf(approver).Principals, isEntra)
}
