package tools

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

const (
	// maxTypedHeld bounds how many changes have typed secrets in memory at once.
	maxTypedHeld = 100
	// maxTypedLen bounds one typed secret, in bytes.
	maxTypedLen = 1024
)

// errNotHeld means that the secrets of a change are not in the memory of this process.
var errNotHeld = errors.New("the credential that an approver types for this change is not held here: it was typed on another server, or lost when scanwarden stopped; propose the change again")

// TypedSecrets holds the secrets that approvers have typed, each for one execution by this process. They are in memory only.
// They are removed when the change is executed, when it ends in another way, and when it expires. The zero value is ready
// to use. It is safe for concurrent use.
type TypedSecrets struct {
	mu   sync.Mutex
	held map[string]*heldSecrets // by change id
}

// heldSecrets is what was typed for one change.
type heldSecrets struct {
	digest string
	auth   *defender.Authentication
	expiry *time.Timer
}

// Hold keeps the values, by field, for the execution of c. Call drop if the approval was not recorded. It returns an error
// that repeats no value if one is missing or cannot be a secret, if values are held for c already, or if too many are.
func (t *TypedSecrets) Hold(c confirm.Change, values map[string]string) (drop func(), err error) {
	auth, err := typedAuthentication(c, values)
	if err != nil {
		return nil, err
	}
	left := time.Until(c.Expires)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case left <= 0:
		return nil, errors.New("the change has expired; propose it again")
	case t.held[c.ID] != nil:
		return nil, errors.New("another approver confirms this change at this moment; look at it again")
	case len(t.held) >= maxTypedHeld:
		return nil, errors.New("too many changes with a typed credential wait to be sent; try again in a moment")
	}
	if t.held == nil {
		t.held = map[string]*heldSecrets{}
	}
	h := &heldSecrets{digest: c.Digest, auth: auth}
	h.expiry = time.AfterFunc(left, func() { t.remove(c.ID, h) })
	t.held[c.ID] = h
	return func() { t.remove(c.ID, h) }, nil
}

// typedAuthentication returns the credential of c with the typed values.
func typedAuthentication(c confirm.Change, values map[string]string) (*defender.Authentication, error) {
	auth, err := defender.TypedReference(c.Request.Body)
	switch {
	case err != nil:
		return nil, err
	case auth == nil || len(auth.TypedSecrets()) != len(values):
		return nil, errors.New("the typed fields are not those that this change needs; look at it again")
	}
	for _, secret := range auth.TypedSecrets() {
		text := values[secret.Name]
		if len(text) > maxTypedLen {
			return nil, fmt.Errorf("%s is longer than %d bytes; shorten it", secret.Name, maxTypedLen)
		}
		trimmed, err := defender.TrimSecret(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", secret.Name, err)
		}
		*secret.Value = defender.NewSecret(trimmed)
	}
	return auth, nil
}

// Check returns nil if c takes no typed secrets, or if they are held here, and otherwise why c cannot be sent from here.
func (t *TypedSecrets) Check(c confirm.Change) error {
	if len(TypedParts(c)) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.held[c.ID]; h == nil || h.digest != c.Digest {
		return errNotHeld
	}
	return nil
}

// take returns the credential that was typed for c and no longer holds it.
func (t *TypedSecrets) take(c confirm.Change) (*defender.Authentication, error) {
	if t == nil {
		return nil, errNotHeld
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.held[c.ID]
	if h == nil || h.digest != c.Digest {
		return nil, errNotHeld
	}
	h.expiry.Stop()
	delete(t.held, c.ID)
	return h.auth, nil
}

// Forget removes what is held for c once it has ended. Call it for every transition.
func (t *TypedSecrets) Forget(c confirm.Change) {
	if c.State.Open() {
		return
	}
	t.mu.Lock()
	h := t.held[c.ID]
	t.mu.Unlock()
	if h != nil {
		t.remove(c.ID, h)
	}
}

// Len returns for how many changes secrets are held.
func (t *TypedSecrets) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}

// remove removes h, unless it was removed before.
func (t *TypedSecrets) remove(id string, h *heldSecrets) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.expiry.Stop(); t.held[id] == h {
		delete(t.held, id)
	}
}
