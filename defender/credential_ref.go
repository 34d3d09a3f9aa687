package defender

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

const authenticationMember = "scanAuthenticationParams"

// span is the position of a value in a body, from its first byte to the one after its last.
type span struct{ start, end int }

// substituteCredential returns body with auth instead of the reference to it, and every other byte unchanged. A body
// without a reference is returned unchanged. It returns an error if the body has a reference and auth is nil, or the
// other way round, or if auth is not the credential that was confirmed.
func substituteCredential(body json.RawMessage, auth *Authentication) (json.RawMessage, error) {
	at, found, err := findCredentialRef(body)
	switch {
	case err != nil:
		return nil, err
	case !found && auth != nil:
		return nil, errors.New("a credential was given, but the confirmed change refers to none")
	case !found:
		return body, nil
	case auth == nil:
		return nil, errors.New("the confirmed change refers to a credential, but none was given")
	}
	if err := auth.checkReference(body[at.start:at.end]); err != nil {
		return nil, err
	}
	if err := cmp.Or(auth.check(), auth.checkTyped()); err != nil {
		return nil, err
	}
	filled, err := marshalJSON(auth.withSecrets())
	if err != nil {
		return nil, err
	}
	return slices.Concat(body[:at.start], filled, body[at.end:]), nil
}

// checkReference returns an error unless value, a reference in a confirmed body, is the one to a.
func (a Authentication) checkReference(value json.RawMessage) error {
	if a.Credential == TypedCredential {
		want, err := a.MarshalJSON()
		if err == nil && !bytes.Equal(want, value) {
			err = errors.New("the credential that was typed is not for the change that was confirmed")
		}
		return err
	}
	var ref credentialRef
	if err := json.Unmarshal(value, &ref); err != nil {
		return errors.New("the confirmed change's reference to a credential cannot be decoded")
	}
	if ref.Credential == "" || ref != (credentialRef{a.Credential, a.Fingerprint}) {
		return errors.New("the credential is not the one that was confirmed, or its public parts have changed since")
	}
	return nil
}

// findCredentialRef returns the position of the reference among the members of body, and whether there is one. body must
// be one JSON object. It is tokenized instead of decoded, because offsets are needed to keep the other bytes.
func findCredentialRef(body json.RawMessage) (at span, found bool, err error) {
	seen := false
	err = eachMember(body, func(name string, where span) error {
		if !strings.EqualFold(name, authenticationMember) {
			return nil
		}
		if seen || name != authenticationMember {
			return errors.New("the confirmed change names scanAuthenticationParams twice, or misspells it")
		}
		seen, at = true, where
		found, err = isCredentialRef(body[where.start:where.end])
		return err
	})
	return at, found, err
}

// isCredentialRef reports whether value, the scanAuthenticationParams of a body, is a reference instead of public fields.
// It returns an error if value has a secret in the clear, or members beside the reference to a named credential.
func isCredentialRef(value json.RawMessage) (bool, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return false, errors.New("the confirmed change's scanAuthenticationParams is not a JSON object")
	}
	for name := range members {
		if isSecretName(strings.ToLower(name)) {
			return false, errors.New("the confirmed change has a secret in the clear")
		}
	}
	name, found := members["credential"]
	if found && string(name) != `"`+TypedCredential+`"` && len(members) != 2 {
		return false, errors.New("the confirmed change's reference to a credential has members that a reference must not have")
	}
	return found, nil
}

// eachMember calls visit for each member of body, which must be one JSON object.
func eachMember(body json.RawMessage, visit func(name string, value span) error) error {
	if !json.Valid(body) {
		return errors.New("the confirmed change is not valid JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errors.New("the confirmed change is not a JSON object")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		end := int(dec.InputOffset())
		if err := visit(name.(string), span{end - len(value), end}); err != nil {
			return err
		}
	}
	return nil
}
