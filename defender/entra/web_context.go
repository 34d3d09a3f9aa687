package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// maxContexts bounds the authentication contexts of one token. Entra ID has c1 to c99.
const maxContexts = 99

// RequireContext returns the address of [WebSignIn.Begin] with a claims request for an authentication context, such as
// "c1". Entra ID then asks for whatever its Conditional Access policy requires. The caller must find the context in
// [User.Contexts], because Entra ID ignores a context that no policy targets. It returns an error for another address.
func (w *WebSignIn) RequireContext(address, authContext string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errors.New("require an authentication context: the address is not that of a sign-in: start again")
	}
	type claim struct {
		Essential bool   `json:"essential"`
		Value     string `json:"value"`
	}
	request, err := json.Marshal(map[string]map[string]claim{"id_token": {"acrs": {true, authContext}}})
	if err != nil {
		return "", fmt.Errorf("require an authentication context: %w", err)
	}
	q := u.Query()
	q.Set("claims", string(request))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// contexts returns the satisfied authentication contexts, each once. It leaves out what is not text.
func (c idTokenClaims) contexts() (contexts []string) {
	listed, _ := c.AuthContexts.([]any)
	for _, value := range listed[:min(len(listed), maxContexts)] {
		if id, ok := value.(string); ok && !slices.Contains(contexts, id) {
			contexts = append(contexts, id)
		}
	}
	return contexts
}
