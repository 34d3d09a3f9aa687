package defender

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Endpoints has the three addresses of a cloud. The host and the token scope differ on purpose: the API at
// https://api.security.microsoft.com refuses a token for that host.
type Endpoints struct {
	URL       string // https://api.security.microsoft.com, no trailing slash
	Scope     string // https://api.securitycenter.microsoft.com/.default
	Authority string // https://login.microsoftonline.com
}

const (
	commercialLogin = "https://login.microsoftonline.com"
	governmentLogin = "https://login.microsoftonline.us"
)

// EndpointsFor returns the endpoints of a cloud: commercial (also ""), gcc, gcc-high or dod. A region (us, eu, uk, au, swa
// or ina) selects a nearer host of the commercial cloud; "" selects the global one. An error lists the valid values.
// Sources: "Supported Defender for Endpoint APIs" for the hosts, "Microsoft Defender for US Government customers" for the
// government ones.
func EndpointsFor(cloud, region string) (Endpoints, error) {
	e, err := cloudEndpoints(cloud)
	if err != nil || region == "" {
		return e, err
	}
	if cmp.Or(cloud, "commercial") != "commercial" {
		return Endpoints{}, fmt.Errorf("region %q cannot be combined with cloud %q: leave the region out, only the commercial cloud has regions", region, cloud)
	}
	if !slices.Contains([]string{"us", "eu", "uk", "au", "swa", "ina"}, region) {
		return Endpoints{}, fmt.Errorf("region %q is not known: use us, eu, uk, au, swa or ina, or leave it out", region)
	}
	e.URL = "https://" + region + ".api.security.microsoft.com"
	return e, nil
}

// cloudEndpoints returns the endpoints of a cloud without a region.
func cloudEndpoints(cloud string) (Endpoints, error) {
	switch cloud {
	case "", "commercial":
		return Endpoints{
			URL:       "https://api.security.microsoft.com",
			Scope:     "https://api.securitycenter.microsoft.com/.default",
			Authority: commercialLogin,
		}, nil
	case "gcc":
		return governmentEndpoints("https://api-gcc.securitycenter.microsoft.us", commercialLogin), nil
	case "gcc-high", "dod":
		return governmentEndpoints("https://api-gov.securitycenter.microsoft.us", governmentLogin), nil
	}
	return Endpoints{}, fmt.Errorf("cloud %q is not known: use commercial, gcc, gcc-high or dod", cloud)
}

// governmentEndpoints returns the endpoints of a government cloud. Unlike the commercial cloud, it accepts tokens for the
// host of its API.
func governmentEndpoints(host, authority string) Endpoints {
	return Endpoints{URL: host, Scope: host + "/.default", Authority: authority}
}

// CheckURL returns an error unless raw is a base URL that a token may be sent to: https to any host, or http to this
// machine (127.0.0.0/8, ::1, localhost). The URL must not have user information, a path, a query or a fragment. The error
// does not repeat the URL, because it may contain a password.
func CheckURL(raw string) error {
	_, err := parseBase(raw)
	return err
}

// parseBase returns raw as a URL of scheme and host only; see [CheckURL].
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || !isValidPort(u.Port()) {
		return nil, errors.New("the Defender URL cannot be read: write it like https://api.security.microsoft.com")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("the Defender URL must not contain a user name or password: remove everything before the @")
	case strings.ContainsAny(raw, "?#"):
		return nil, errors.New("the Defender URL must not have a query or fragment: remove everything from the ? or #")
	case u.Path != "" && u.Path != "/":
		return nil, errors.New("the Defender URL must not have a path: write the scheme and host only, /api is added to it")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
	case u.Scheme == "http":
		return nil, errors.New("the Defender URL must be https: plain http is accepted to this machine only (127.0.0.1, ::1, localhost)")
	}
	return nil, errors.New("the Defender URL must begin with https://")
}

func isValidPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
