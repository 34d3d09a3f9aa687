package mcpserver_test

import (
	"net/http"
	"strings"
	"testing"

	"scanwarden/tools/mcpserver"
)

func TestHostsAreComparedInCanonicalForm(t *testing.T) {
	t.Parallel()
	allowed := []string{"localhost:8484", "127.0.0.1:8484", "[::1]:8484", "scans.example.com", "scan_warden", "bücher.example", "192.0.2.1:443"}
	for header, want := range map[string]string{
		"localhost:8484":                      "localhost:8484",
		"LocalHost:8484":                      "localhost:8484",
		"localhost.:8484":                     "localhost:8484",
		"[0:0:0:0:0:0:0:1]:8484":              "[::1]:8484",
		"[::ffff:127.0.0.1]:8484":             "127.0.0.1:8484",
		"Scans.Example.Com":                   "scans.example.com",
		"scans.example.com.":                  "scans.example.com",
		"scans.example.com:443":               "scans.example.com",
		"scans.example.com.:443":              "scans.example.com",
		"scans.example.com:80":                "scans.example.com",
		"SCAN_WARDEN":                         "scan_warden",
		"xn--bcher-kva.example":               "bücher.example",
		"192.0.2.1":                           "192.0.2.1:443",
		"localhost":                           "",
		"localhost:8485":                      "",
		"scans.example.com:8443":              "",
		"scans.example.com..":                 "",
		"scans.example.com:":                  "",
		"scans.example.com/":                  "",
		"scans.example.com.evil.example":      "",
		"evil.example#scans.example.com":      "",
		"scans.example.com@evil.example":      "",
		"evil.example@scans.example.com":      "",
		"scans.example.com, evil.example":     "",
		"scans%2Eexample.com":                 "",
		"0177.0.0.1:8484":                     "",
		"2130706433:8484":                     "",
		"[::1%25lo]:8484":                     "",
		"[scans.example.com]":                 "",
		"":                                    "",
		".":                                   "",
		strings.Repeat("scans.", 400) + "com": "",
	} {
		if got, ok := mcpserver.SameHost(allowed, header); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", header, got, ok, want)
		}
	}
	if _, ok := mcpserver.SameHost(nil, ""); ok {
		t.Error("no host is allowed, and an empty one is")
	}
}

func TestOriginsAreComparedInCanonicalForm(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
	port, _, _ = strings.Cut(port, "/")
	for origin, want := range map[string]int{
		"HTTP://127.0.0.1:" + port:           200,
		"http://[::ffff:127.0.0.1]:" + port:  200,
		"https://127.0.0.1:" + port:          403,
		"http://127.0.0.1:" + port + "/":     403,
		"http://127.0.0.1:" + port + "@evil": 403,
		"http://127.0.0.1":                   403,
		"127.0.0.1:" + port:                  403,
		"file://":                            403,
		"null":                               403,
	} {
		if got, _ := s.sendRaw(t, "POST", initializeRequest, func(r *http.Request) { r.Header.Set("Origin", origin) }); got != want {
			t.Errorf("%q: status %d, want %d", origin, got, want)
		}
	}
}

// The log names the setting and the host, about once a minute, and never the rest of a header, which may hold anything.
func TestARefusedHostIsLoggedWithItsSetting(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(*http.Request){
		"Host":   func(r *http.Request) { r.Host = "scans.example.com" },
		"Origin": func(r *http.Request) { r.Header.Set("Origin", "https://scans.example.com") },
	} {
		s := newStack(t)
		for range 20 {
			s.sendRaw(t, "POST", initializeRequest, alter)
		}
		text := s.log.String()
		if n := strings.Count(text, "because of its "+name+" header"); n != 1 {
			t.Errorf("%s: logged %d times: %s", name, n, text)
		}
		if !strings.Contains(text, "scans.example.com") || !strings.Contains(text, "SCANWARDEN_PUBLIC_URL") {
			t.Errorf("%s: the log does not help: %s", name, text)
		}
	}
	s := newStack(t)
	s.sendRaw(t, "POST", initializeRequest, func(r *http.Request) { r.Header.Set("Origin", "https://ada:canary-secret@scans.example.com") })
	if text := s.log.String(); strings.Contains(text, "canary-secret") || !strings.Contains(text, "malformed") {
		t.Errorf("a header that is no origin: %s", text)
	}
}
