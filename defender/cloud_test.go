package defender_test

import (
	"strings"
	"testing"

	"scanwarden/defender"
)

func TestEndpointsFor(t *testing.T) {
	const login, scope = "https://login.microsoftonline.com", "https://api.securitycenter.microsoft.com/.default"
	const gcc, gov = "https://api-gcc.securitycenter.microsoft.us", "https://api-gov.securitycenter.microsoft.us"
	for _, tt := range []struct {
		cloud, region string
		want          defender.Endpoints
	}{
		{"", "", defender.Endpoints{URL: "https://api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "", defender.Endpoints{URL: "https://api.security.microsoft.com", Scope: scope, Authority: login}},
		{"", "eu", defender.Endpoints{URL: "https://eu.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "us", defender.Endpoints{URL: "https://us.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "uk", defender.Endpoints{URL: "https://uk.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "au", defender.Endpoints{URL: "https://au.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "swa", defender.Endpoints{URL: "https://swa.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"commercial", "ina", defender.Endpoints{URL: "https://ina.api.security.microsoft.com", Scope: scope, Authority: login}},
		{"gcc", "", defender.Endpoints{URL: gcc, Scope: gcc + "/.default", Authority: login}},
		{"gcc-high", "", defender.Endpoints{URL: gov, Scope: gov + "/.default", Authority: "https://login.microsoftonline.us"}},
		{"dod", "", defender.Endpoints{URL: gov, Scope: gov + "/.default", Authority: "https://login.microsoftonline.us"}},
	} {
		got, err := defender.EndpointsFor(tt.cloud, tt.region)
		if err != nil || got != tt.want {
			t.Errorf("EndpointsFor(%q, %q) = %+v, %v, want %+v", tt.cloud, tt.region, got, err, tt.want)
		}
		if err := defender.CheckURL(got.URL); err != nil {
			t.Errorf("CheckURL refuses the endpoint %s: %v", got.URL, err)
		}
	}
}

func TestEndpointsForListsTheValidValues(t *testing.T) {
	for _, tt := range []struct{ cloud, region, want string }{
		{"azure", "", "commercial, gcc, gcc-high or dod"},
		{"Commercial", "", "commercial, gcc, gcc-high or dod"},
		{"", "mars", "us, eu, uk, au, swa or ina"},
		{"gcc", "eu", "only the commercial cloud has regions"},
		{"dod", "us", "only the commercial cloud has regions"},
	} {
		e, err := defender.EndpointsFor(tt.cloud, tt.region)
		if err == nil || !strings.Contains(err.Error(), tt.want) || e != (defender.Endpoints{}) {
			t.Errorf("EndpointsFor(%q, %q) = %+v, %v, want nothing and an error with %q", tt.cloud, tt.region, e, err, tt.want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"https://api.security.microsoft.com", "https://api.security.microsoft.com/", "HTTPS://example.com:8443",
		"http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:1", "http://localhost:80", "http://LOCALHOST",
	} {
		if err := defender.CheckURL(good); err != nil {
			t.Errorf("CheckURL(%q) = %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                             "cannot be read",
		"api.security.microsoft.com":   "cannot be read",
		"https://":                     "cannot be read",
		"https://h:99999":              "cannot be read",
		"https://h:0":                  "cannot be read",
		"https://h:hunter2":            "cannot be read",
		"https:h":                      "cannot be read",
		"http://example.com":           "must be https",
		"http://localhost.example.com": "must be https",
		"http://10.0.0.1":              "must be https",
		"http://0.0.0.0":               "must be https",
		"ftp://example.com":            "must begin with https",
		"https://user:hunter2@h":       "user name or password",
		"https://h?hunter2":            "query or fragment",
		"https://h?":                   "query or fragment",
		"https://h#hunter2":            "query or fragment",
		"https://h/#":                  "query or fragment",
		"https://h/api":                "must not have a path",
		"https://h//":                  "must not have a path",
		"https://h/%2e%2e":             "must not have a path",
	} {
		err := defender.CheckURL(bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckURL(%q) = %v, want an error with %q", bad, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("CheckURL(%q) repeats the password: %v", bad, err)
		}
	}
}

func TestNewNamesTheSettingToCorrect(t *testing.T) {
	for want, cfg := range map[string]defender.Config{
		"must be https": {URL: "http://example.com", Token: startService(t, respond(200, "")).config().Token},
		"no Token":      {URL: "https://example.com"},
	} {
		if _, err := defender.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want an error with %q", err, want)
		}
		if _, err := defender.NewWriter(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewWriter: %v, want an error with %q", err, want)
		}
	}
}
