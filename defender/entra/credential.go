package entra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

const (
	maxTokenFile   = 64 << 10 // bytes of a federated token file; Kubernetes writes about 1 KiB
	maxCertificate = 1 << 20  // bytes of a certificate file
)

// credentialLoader returns the credential of a new sign-in client. Its errors contain no secret.
type credentialLoader func() (clientCredential, error)

// clientCredential is a credential in MSAL's form, and how to send it.
type clientCredential struct {
	confidential.Credential
	sendChain bool // sends the certificate's chain, for an app that trusts an issuer and a subject name
}

// credentialLoader returns the loader for the one credential that is set, as validate has checked.
func (c Config) credentialLoader() credentialLoader {
	switch {
	case c.ClientSecret != nil:
		return func() (clientCredential, error) { return loadSecret(c.ClientSecret) }
	case c.CertificatePath != "":
		return func() (clientCredential, error) { return loadCertificate(c.CertificatePath) }
	default:
		return func() (clientCredential, error) { return newFederatedCredential(c.FederatedTokenFile), nil }
	}
}

func loadSecret(read func() (string, error)) (clientCredential, error) {
	secret, err := read()
	if err != nil {
		return clientCredential{}, fmt.Errorf("the client secret cannot be read, check %s: %w", envSecret, err)
	}
	if secret == "" {
		return clientCredential{}, fmt.Errorf("the client secret is empty: set %s to its Value", envSecret)
	}
	cred, err := confidential.NewCredFromSecret(secret)
	return clientCredential{Credential: cred}, err
}

// newFederatedCredential returns a credential that reads the file again for each assertion. The process that
// projects the token, such as a kubelet, replaces it about every hour.
func newFederatedCredential(path string) clientCredential {
	read := func(context.Context, confidential.AssertionRequestOptions) (string, error) {
		token, err := readAssertion(path)
		if err != nil {
			return "", &Error{Hint: err.Error()}
		}
		return token, nil
	}
	return clientCredential{Credential: confidential.NewCredFromAssertionCallback(read)}
}

// CheckTokenFile reports why a sign-in with c would find no usable token in the federated token file. It
// returns nil if there is one or none is needed. [New] does not check, because the token may be projected
// later.
func (c Config) CheckTokenFile() error {
	if cmp.Or(c.Mode, Client) != Client || c.FederatedTokenFile == "" {
		return nil
	}
	if _, err := readAssertion(c.FederatedTokenFile); err != nil {
		return errors.New(envPrefix(c.Prefix).expand(err.Error()))
	}
	return nil
}

func readAssertion(path string) (string, error) {
	data, err := readFile(path, maxTokenFile)
	if err != nil {
		return "", fmt.Errorf("the federated token cannot be read: %w; check %s", err, envFederated)
	}
	token := strings.TrimSpace(strings.TrimPrefix(string(data), byteOrderMark))
	if token == "" {
		return "", fmt.Errorf("the file %s is empty and holds no signed token (JWT): check %s, and what writes the file", path, envFederated)
	}
	// The file's content is sent out, so a key or secret put there by mistake must not pass for a token.
	if strings.Count(token, ".") != 2 || strings.ContainsFunc(token, isForeignToJWT) {
		return "", fmt.Errorf("the file %s holds no signed token (JWT): check %s", path, envFederated)
	}
	return token, nil
}

// byteOrderMark is U+FEFF, which editors of Windows put before UTF-8 text.
const byteOrderMark = "\uFEFF"

// isForeignToJWT reports whether r is neither a character of base64url nor a dot (RFC 7519, section 3).
func isForeignToJWT(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' || r == '=')
}

// readFile returns the content of a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errors.New(path + " is too large to be the right file")
	}
	return data, nil
}
