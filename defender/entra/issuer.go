package entra

import (
	"slices"
	"strings"
)

// isIssuerOfTenant reports whether an identity provider is the tenant itself: one of the URLs that Entra ID writes as
// the tenant's issuer, at one of Microsoft's hosts or at the authority, which includes the tenant. A URL that only
// contains the tenant's id is not. tools/mcpserver/auth has the same function for access tokens.
func isIssuerOfTenant(provider, authority, tenant string) bool {
	own := []string{"https://sts.windows.net/" + tenant, "https://sts.chinacloudapi.cn/" + tenant, authority, authority + "/v2.0"}
	return slices.ContainsFunc(own, func(issuer string) bool { return strings.EqualFold(strings.TrimSuffix(provider, "/"), issuer) })
}
