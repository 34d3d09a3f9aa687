package tools

import (
	"encoding/json"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// AskCredential is the value of the field credential for which an approver types the secrets on the confirmation page.
const AskCredential = defender.TypedCredential

// IsAskCredential reports whether name is AskCredential, ignoring letter case.
func IsAskCredential(name string) bool {
	return strings.EqualFold(strings.TrimSpace(name), AskCredential)
}

// TypedParts returns the names of the secrets that an approver types before c can be sent; nil for most changes.
func TypedParts(c confirm.Change) []string {
	a, err := defender.TypedReference(c.Request.Body)
	if err != nil || a == nil {
		return nil
	}
	var names []string
	for _, secret := range a.TypedSecrets() {
		names = append(names, secret.Name)
	}
	return names
}

// MaskedBody returns the body of a request as it is sent, with bullets in place of each secret that an approver types.
func MaskedBody(r confirm.Request) json.RawMessage {
	return defender.MaskTyped(r.Body, "••••••••")
}

// askedCredential returns the reference to a credential whose secrets the approver types. The other fields are given: the
// approver sees them in the plan.
func (in scanInput) askedCredential(scanType string) (*defender.Authentication, error) {
	if scanType != "Network" {
		return nil, refuse("credential", "credential %s has no use for a %s scan, which signs in without a password", quote(AskCredential), scanType).
			withHint("give scanAuthenticationParams type, username, domain and isGmsaUser alone")
	}
	types := slices.DeleteFunc(slices.Clone(authTypes[scanType]), func(t string) bool { return t == "NoAuthNoPriv" })
	given := in.Authentication
	if given == nil || given.Type == nil {
		return nil, refuseAuthentication("type", "is missing").withHint("give one of %s", strings.Join(types, ", "))
	}
	a, err := given.toAuthentication(scanType)
	switch {
	case err != nil:
		return nil, err
	case a.KeyVaultURL != "":
		return nil, refuse("credential", "credential and Key Vault exclude each other").withHint("give one of the two")
	case !slices.Contains(types, a.Type):
		return nil, refuse("credential", "%s has no secret that an approver could type", a.Type).withHint("leave credential out")
	}
	a.Credential = AskCredential
	return a, given.checkPublicFields(a.Type)
}

// narrowToPage returns by with the page as the only channel, because no other one takes what an approver types. It returns a
// *Refusal if the page is not among the channels of by.
func narrowToPage(by confirm.Requester) (confirm.Requester, error) {
	if !slices.Contains(slices.Concat(by.Channels, by.Fallback), confirm.WebPage) {
		return by, refuse("credential", "with credential %s the approver types the secret on the confirmation page, and nobody can be asked there", quote(AskCredential)).
			withHint("name a configured credential or a Key Vault secret instead, or have an operator add page to SCANWARDEN_CONFIRM_WITH")
	}
	by.Channels, by.Fallback = []confirm.Channel{confirm.WebPage}, nil
	return by, nil
}
