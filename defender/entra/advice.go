package entra

// hintNotEntra is the hint for every response that cannot come from Entra ID.
const hintNotEntra = "something other than Entra ID answered: sign in to the network's portal, or let the proxy pass the authority's host through"

// adviceByCode maps the AADSTS codes met in practice to what to do about them. The meaning of each code is
// Microsoft's (learn.microsoft.com/entra/identity-platform/reference-error-codes).
var adviceByCode = map[string]string{
	// The app's own credential.
	"AADSTS7000215": "the client secret is wrong: set " + envSecret + " to the secret's Value, not to its Secret ID",
	"AADSTS7000222": "the client secret has expired: make a new one, or change to a certificate or a federated token",
	"AADSTS700027":  "the certificate is not registered on the app, or has expired: upload it under Certificates & secrets",
	"AADSTS70021":   "no federated credential of the app matches the token: compare its issuer, subject and audience",
	"AADSTS700211":  "no federated credential of the app has the token's issuer: correct the issuer on the app",
	"AADSTS700212":  "the federated token has the wrong audience: have it issued for api://AzureADTokenExchange",
	"AADSTS700213":  "no federated credential of the app has the token's subject: correct the subject on the app",

	// The app, the tenant and the permissions.
	"AADSTS700016":  "the tenant has no such app: check " + envClient + " and " + envTenant + ", and that the app was consented to",
	"AADSTS90002":   "there is no such tenant: check " + envTenant + ", and " + envAuthority + " for the right cloud (.com or .us)",
	"AADSTS1002012": "an application's scope must end in /.default: correct " + envScope,
	"AADSTS500011":  "the tenant lacks the service principal WindowsDefenderATP: check " + envScope + " and that Defender for Endpoint is set up",
	"AADSTS65001":   "the permission was never consented to: have an administrator consent to Machine.ReadWrite.All, or to Machine.ReadWrite where users sign in",
	"AADSTS50105":   "the user or app is assigned to no role of this app: have an administrator assign it",

	"AADSTS7000218": "the app does not let users sign in without a secret: allow public client flows under Authentication on the app",
	"AADSTS700024":  "the credential is not valid at this time: check this machine's clock and the end of the certificate or token",

	// A user's sign-in and its exchange for a Defender token.
	"AADSTS50034":  "the tenant has no such user: sign in with an account of this tenant",
	"AADSTS50020":  "the account belongs to another tenant: sign in with an account of this one, or have it invited as a guest",
	"AADSTS50057":  "the account is disabled: sign in with another, or ask an administrator",
	"AADSTS65004":  "consent was declined: sign in again and accept, or have an administrator consent to Machine.ReadWrite",
	"AADSTS54005":  "the authorization code was used already: start the sign-in again",
	"AADSTS501481": "the authorization code belongs to another sign-in: start the sign-in again",
	"AADSTS50011":  "the redirect URI is not registered on the app: add exactly this one under Authentication",
	"AADSTS70008":  "the sign-in has expired: sign in again",
	"AADSTS70043":  "the tenant requires users to sign in more often: sign in again",
	"AADSTS50076":  "multi-factor authentication is required: sign in again",
	"AADSTS50079":  "the user must register for multi-factor authentication: do so at mysignins.microsoft.com and sign in again",
	"AADSTS53004":  "the user must finish setting up multi-factor authentication: do so and sign in again",
	"AADSTS50158":  "conditional access requires another step: sign in again and complete it",
	"AADSTS53003":  "a conditional access policy blocks this sign-in: ask an administrator which one",
	"AADSTS530003": "conditional access requires a managed device: sign in from one",
	"AADSTS50013":  "the user's token cannot be exchanged, its audience or signature is wrong: sign in to this app again",
	"AADSTS500131": "the user's token is meant for another app: sign in to this app",
	"AADSTS500133": "the user's token has expired: sign in again",
	"AADSTS50173":  "the sign-in was revoked, as after a password change: sign in again",
	"AADSTS700082": "the sign-in was unused for too long: sign in again",

	// The service.
	"AADSTS50196": "Entra ID sees a loop of sign-ins: look for a program that signs in as this app without caching tokens",
	"AADSTS90033": "Entra ID reports a temporary fault: wait a minute and try again",
}

// adviceForOAuth returns what to do about an OAuth error word, or "". It applies when the AADSTS code is absent
// or unknown.
func adviceForOAuth(word string) string {
	switch word {
	case oauthDeclined:
		return "the sign-in was declined in the browser: call again for a new code"
	case oauthExpired:
		return "the code expired before it was entered: call again for a new one"
	case "access_denied":
		return "the sign-in was canceled or refused in the browser: call again to sign in"
	}
	return ""
}
