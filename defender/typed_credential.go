package defender

import (
	"encoding/json"
	"errors"
	"fmt"
)

// TypedCredential is the Authentication.Credential whose secrets an approver types for one execution. The body that refers to
// it has its public fields, because no configuration has them.
const TypedCredential = "ask"

// typedRef is the reference to a typed credential in a frozen body.
type typedRef struct {
	authParams
	Credential string `json:"credential"`
}

// TypedReference returns the public parts of the credential that an approver of body types. It returns nil if body refers to
// no typed credential.
func TypedReference(body json.RawMessage) (*Authentication, error) {
	at, found, err := findCredentialRef(body)
	if err != nil || !found {
		return nil, err
	}
	var ref typedRef
	if err := json.Unmarshal(body[at.start:at.end], &ref); err != nil {
		return nil, errors.New("the confirmed change's reference to a credential cannot be decoded")
	}
	if ref.Credential != TypedCredential {
		return nil, nil
	}
	a := Authentication{
		Type: ref.Type, Username: ref.Username, AuthProtocol: ref.AuthProtocol, PrivProtocol: ref.PrivProtocol, Credential: ref.Credential,
	}
	return &a, a.checkReference(body[at.start:at.end])
}

// MaskTyped returns body as it is sent, with mask in place of each secret that an approver types. It returns a body that
// refers to no typed credential unchanged.
func MaskTyped(body json.RawMessage, mask string) json.RawMessage {
	a, err := TypedReference(body)
	if err != nil || a == nil {
		return body
	}
	for _, secret := range a.TypedSecrets() {
		*secret.Value = NewSecret(mask)
	}
	if masked, err := substituteCredential(body, a); err == nil {
		return masked
	}
	return body
}

// NamedSecret is a secret field of an Authentication, with its name in the API.
type NamedSecret struct {
	Name  string
	Value *Secret
}

// TypedSecrets returns the secret fields that a's type of authentication has, in Microsoft's order. It returns none for a type
// without secrets.
func (a *Authentication) TypedSecrets() []NamedSecret {
	switch a.Type {
	case "CommunityString":
		return []NamedSecret{{"communityString", &a.CommunityString}}
	case "AuthNoPriv":
		return []NamedSecret{{"authPassword", &a.AuthPassword}}
	case "AuthPriv":
		return []NamedSecret{{"authPassword", &a.AuthPassword}, {"privPassword", &a.PrivPassword}}
	}
	return nil
}

// checkTyped returns an error if a is a typed credential of which a secret is missing.
func (a *Authentication) checkTyped() error {
	if a.Credential != TypedCredential {
		return nil
	}
	for _, secret := range a.TypedSecrets() {
		if secret.Value.Empty() {
			return fmt.Errorf("scanAuthenticationParams.%s was not typed", secret.Name)
		}
	}
	return nil
}
