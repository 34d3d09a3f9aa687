package entra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
)

// translateError returns an Error for any failure of MSAL.
func translateError(err error) *Error {
	if problem := translateKnown(err); problem != nil {
		return problem
	}
	return &Error{Hint: "the response was not a token: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
}

// translateKnown returns an Error for a failure that has a type, and nil for one that is only text.
func translateKnown(err error) *Error {
	var own *Error
	var refused msal.CallErr // a value, which MSAL neither takes the address of nor unwraps
	var garbled msal.InvalidJsonErr
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refused) && refused.Resp != nil:
		return responseError(refused.Resp)
	case errors.As(err, &garbled):
		return &Error{Hint: hintNotEntra}
	}
	if problem := translateTLS(err); problem != nil {
		return problem
	}
	return translateNetwork(err)
}

func translateTLS(err error) *Error {
	var failed *tls.CertificateVerificationError
	if !errors.As(err, &failed) {
		return nil
	}
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return &Error{Hint: "the certificate shown belongs to another host: " + hintNotEntra}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &Error{Hint: "the certificate shown is not valid at this machine's time: check the clock, then the proxy"}
	}
	return &Error{Hint: "the certificate shown is signed by an authority this machine does not trust: " +
		"where a company proxy inspects TLS, name the file with its root certificate in SSL_CERT_FILE"}
}

func translateNetwork(err error) *Error {
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &name):
		return &Error{Temporary: true, Hint: "the host name of Entra ID cannot be resolved: check " + envAuthority + ", DNS and the network connection"}
	case errors.As(err, &network) && network.Timeout():
		return noAnswerError()
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Temporary: true, Hint: "Entra ID could not be reached: check the network, the firewall and HTTPS_PROXY, or try again"}
	}
	return nil
}

// translateCallError translates the failure of a call under ctx. Connections report the end of ctx in many
// ways, so the context decides.
func translateCallError(ctx context.Context, err error) *Error {
	problem := translateError(err)
	if problem.Status == 0 && ctx.Err() != nil {
		return noAnswerError()
	}
	return problem
}

func noAnswerError() *Error {
	return &Error{Temporary: true, Hint: "Entra ID did not answer in time: check the network, the firewall and HTTPS_PROXY, or try again"}
}
