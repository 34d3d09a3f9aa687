package keyvault

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// errorsByCode maps the error codes of a vault to errors (Microsoft's "Azure Key Vault REST API error codes").
var errorsByCode = map[string]Error{
	"SecretNotFound": {Reason: "there is no such secret", Next: "create it, or correct its name in the configuration"},
	"SecretDisabled": {Reason: "it is disabled", Next: "enable it, or name another version"},

	"Forbidden":             {Reason: notAllowed, Next: grantRole},
	"ForbiddenByRbac":       {Reason: notAllowed, Next: grantRole},
	"AccessDenied":          {Reason: notAllowed, Next: grantRole},
	"ForbiddenByPolicy":     {Reason: notAllowed, Next: grantRole},
	"ForbiddenByFirewall":   {Reason: "the vault's firewall blocks this machine", Next: "allow this machine's address or network in the vault's networking settings"},
	"ForbiddenByConnection": {Reason: "the vault accepts private connections only", Next: "reach it through its private endpoint, or allow public access from this network"},
	"VaultNotFound":         {Reason: "there is no such vault", Next: "correct its name in the configuration"},
	"Throttled":             throttled,
}

const (
	notAllowed = "this identity is not allowed to read it"
	grantRole  = "grant it the role Key Vault Secrets User on the vault or the secret (or the secret permissions Get and List, where the vault has access policies)"
	checkProxy = "check whether a proxy answers in its place"
)

var throttled = Error{Reason: "the vault receives too many calls", Next: "try again in a minute", Temporary: true}

// explainError returns err as an *Error in words of this package. If ctx has ended, it returns an error that wraps the
// cause of that instead.
func explainError(ctx context.Context, s secretID, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read Key Vault secret %v: %w", s, context.Cause(ctx))
	}
	problem := *classifyError(err, s)
	problem.Secret = s.String()
	return &problem
}

// classifyError returns the *Error for a failure of the token source, the vault, the network or this package.
func classifyError(err error, s secretID) *Error {
	var own *Error
	var token *signInError
	var response *azcore.ResponseError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &token):
		return &Error{Reason: "the sign-in for " + s.resource() + " failed", Next: token.Error()}
	case errors.As(err, &response):
		return explainResponse(response)
	}
	return explainNetworkError(err, s.host)
}

// explainResponse returns the error for the inner code of a response, or for its outer code or its status if the
// package does not know the former.
func explainResponse(response *azcore.ResponseError) *Error {
	body, _ := io.ReadAll(response.RawResponse.Body) // from memory: transport.Do has buffered it
	c := decodeErrorBody(body)
	for _, code := range []string{c.Error.Inner.Code, c.Error.Code} {
		if known, ok := errorsByCode[code]; ok {
			known.Status = response.StatusCode
			return &known
		}
	}
	e := errorForStatus(response.StatusCode)
	e.Status = response.StatusCode
	return &e
}

// errorBody is the body of an error response, as far as it is read:
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes.
type errorBody struct {
	Error struct {
		Code  string `json:"code"`
		Inner struct {
			Code string `json:"code"`
		} `json:"innererror"`
	} `json:"error"`
}

// decodeErrorBody returns the codes in body. They are "" if it is not JSON, such as a proxy's page or half of a body.
func decodeErrorBody(body []byte) errorBody {
	var c errorBody
	if json.Unmarshal(body, &c) != nil {
		return errorBody{}
	}
	return c
}

// errorForStatus returns the error for a response without a known code.
func errorForStatus(status int) Error {
	switch {
	case status == http.StatusUnauthorized:
		return Error{Reason: "the vault does not accept the token (HTTP 401)", Next: "check that AZURE_TENANT_ID is the vault's tenant, and this machine's clock"}
	case status == http.StatusForbidden:
		return Error{Reason: notAllowed, Next: grantRole}
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= 500:
		return Error{Reason: fmt.Sprintf("the vault failed with an internal error (HTTP %d)", status), Next: "try again in a minute", Temporary: true}
	default:
		return Error{Reason: fmt.Sprintf("the response is not one of Key Vault (HTTP %d)", status), Next: checkProxy}
	}
}

// markPermanent returns err, as a permanentError if a retry cannot succeed.
func markPermanent(err error, host string) error {
	if problem := explainNetworkError(err, host); !problem.Temporary {
		return permanentError{problem}
	}
	return err
}

// explainNetworkError returns the error for a request that got no usable response from host.
func explainNetworkError(err error, host string) *Error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return &Error{Reason: "there is no host " + host, Next: "correct the vault's name in the configuration, or check DNS where the vault has a private endpoint"}
	case errors.As(err, &name):
		return &Error{Reason: "the host " + host + " cannot be resolved", Next: "check DNS and the network connection", Temporary: true}
	case errors.As(err, &certificate):
		return &Error{Reason: "the certificate shown for the vault is not one that this machine trusts", Next: "where a company proxy inspects TLS, name the file with its root certificate in SSL_CERT_FILE; otherwise check this machine's clock"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &Error{Reason: "the vault did not answer in time", Next: "check the network, the firewall and HTTPS_PROXY, or try again", Temporary: true}
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Reason: "the vault could not be reached", Next: "check the network, the firewall and HTTPS_PROXY, or try again", Temporary: true}
	default:
		return &Error{Reason: "the vault's response cannot be read", Next: checkProxy}
	}
}
