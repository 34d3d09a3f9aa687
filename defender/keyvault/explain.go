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

// errorsByCode says what to do about the codes of a refusal (Microsoft's "Azure Key Vault REST API error codes").
var errorsByCode = map[string]Error{
	"SecretNotFound": {Reason: "there is no such secret", Next: "create it, or correct its name in the configuration"},
	"SecretDisabled": {Reason: "it is disabled", Next: "enable it, or name another version"},

	"Forbidden":             {Reason: notAllowed, Next: grantRole},
	"ForbiddenByRbac":       {Reason: notAllowed, Next: grantRole},
	"AccessDenied":          {Reason: notAllowed, Next: grantRole},
	"ForbiddenByPolicy":     {Reason: notAllowed, Next: grantRole},
	"ForbiddenByFirewall":   {Reason: "the vault's firewall keeps this machine out", Next: "let this machine's address or network in, in the vault's networking settings"},
	"ForbiddenByConnection": {Reason: "the vault takes private connections only", Next: "reach it through its private endpoint, or allow public access from this network"},
	"VaultNotFound":         {Reason: "there is no such vault", Next: "correct its name in the configuration"},
	"Throttled":             throttled,
}

const (
	notAllowed = "this identity may not read it"
	grantRole      = "grant it the role Key Vault Secrets User on the vault or the secret (or the secret permissions Get and List, where the vault has access policies)"
	checkProxy     = "check whether a proxy answers in its place"
)

var throttled = Error{Reason: "the vault gets too many calls", Next: "try again in a minute", Temporary: true}

// explainError turns a failure into our own words; only the end of the caller's own context stays what it is.
func explainError(ctx context.Context, s secretID, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read Key Vault secret %v: %w", s, context.Cause(ctx))
	}
	problem := *classifyError(err, s)
	problem.Secret = s.String()
	return &problem
}

func classifyError(err error, s secretID) *Error {
	var own *Error
	var token *signInError
	var answer *azcore.ResponseError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &token):
		return &Error{Reason: "the sign-in for " + s.resource() + " failed", Next: token.Error()}
	case errors.As(err, &answer):
		return explainResponse(answer)
	}
	return explainNetworkError(err, s.host)
}

// explainResponse goes by the more particular of the two codes that it knows, and then by the status.
func explainResponse(answer *azcore.ResponseError) *Error {
	body, _ := io.ReadAll(answer.RawResponse.Body) // from memory, where line has put it
	c := decodeErrorBody(body)
	for _, code := range []string{c.Error.Inner.Code, c.Error.Code} {
		if known, ok := errorsByCode[code]; ok {
			known.Status = answer.StatusCode
			return &known
		}
	}
	e := errorForStatus(answer.StatusCode)
	e.Status = answer.StatusCode
	return &e
}

// errorBody are what is read of a refusal's body, https://learn.microsoft.com/azure/key-vault/general/rest-error-codes.
type errorBody struct {
	Error struct {
		Code  string `json:"code"`
		Inner struct {
			Code string `json:"code"`
		} `json:"innererror"`
	} `json:"error"`
}

func decodeErrorBody(body []byte) errorBody {
	var c errorBody
	if json.Unmarshal(body, &c) != nil {
		return errorBody{} // a proxy's page, or half of a body
	}
	return c
}

func errorForStatus(status int) Error {
	switch {
	case status == http.StatusUnauthorized:
		return Error{Reason: "the vault does not accept the token (HTTP 401)", Next: "check that AZURE_TENANT_ID is the vault's tenant, and this machine's clock"}
	case status == http.StatusForbidden:
		return Error{Reason: notAllowed, Next: grantRole}
	case status == http.StatusTooManyRequests:
		return throttled
	case status >= 500:
		return Error{Reason: fmt.Sprintf("the vault has a fault of its own (HTTP %d)", status), Next: "try again in a minute", Temporary: true}
	default:
		return Error{Reason: fmt.Sprintf("the vault's answer is none of Key Vault (HTTP %d)", status), Next: checkProxy}
	}
}

// markPermanent keeps an error that may pass, and makes one final that trying again does not mend.
func markPermanent(err error, host string) error {
	if problem := explainNetworkError(err, host); !problem.Temporary {
		return permanentError{problem}
	}
	return err
}

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
		return &Error{Reason: "the certificate shown is not one of the vault that this machine trusts", Next: "where a company proxy inspects TLS, name the file with its root certificate in SSL_CERT_FILE; otherwise check this machine's clock"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &Error{Reason: "the vault did not answer in time", Next: "check the network, the firewall and HTTPS_PROXY, or try again", Temporary: true}
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Reason: "the vault could not be reached", Next: "check the network, the firewall and HTTPS_PROXY, or try again", Temporary: true}
	default:
		return &Error{Reason: "the vault's answer cannot be read", Next: checkProxy}
	}
}
