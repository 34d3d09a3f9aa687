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

// Endpoints are the three addresses a cloud is reached by. The host and the token scope differ on purpose: a
// token for https://api.security.microsoft.com is refused by the very API that host serves.
type Endpoints struct {
	URL       string // https://api.security.microsoft.com, no trailing slash
	Scope     string // https://api.securitycenter.microsoft.com/.default
	Authority string // https://login.microsoftonline.com
}

const (
	commercialLogin = "https://login.microsoftonline.com"
	governmentLogin = "https://login.microsoftonline.us"
)

// EndpointsFor returns the endpoints of a cloud: commercial (also ""), gcc, gcc-high or dod. A region, us, eu, uk, au,
// swa or ina, chooses a nearer host of the commercial cloud; "" chooses none. Sources: "Supported Defender for
// Endpoint APIs" for the hosts, "Microsoft Defender for US Government customers" for the government ones.
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

// The government clouds, unlike the commercial one, take tokens for the host they serve.
func governmentEndpoints(host, authority string) Endpoints {
	return Endpoints{URL: host, Scope: host + "/.default", Authority: authority}
}

// CheckURL accepts the base URLs that a token may be sent to: https anywhere, and http to this machine alone
// (127.0.0.0/8, ::1, localhost). It refuses user information, a path, a query and a fragment. The error does not
// repeat the URL, which may hold a password.
func CheckURL(raw string) error {
	_, err := parseBase(raw)
	return err
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || !isValidPort(u.Port()) {
		return nil, errors.New("the Defender URL cannot be read: write it like https://api.security.microsoft.com")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("the Defender URL must not hold a user name or password: remove what stands before the @")
	case strings.ContainsAny(raw, "?#"):
		return nil, errors.New("the Defender URL must not have a query or fragment: remove everything from the ? or # on")
	case u.Path != "" && u.Path != "/":
		return nil, errors.New("the Defender URL must not have a path: write the scheme and host alone, /api is added to it")
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
