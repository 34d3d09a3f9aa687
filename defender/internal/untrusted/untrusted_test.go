package untrusted_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"scanwarden/defender/internal/untrusted"
)

func TestTextIsOnePrintableLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"Zoë 王":                   "Zoë 王",
		" one\ntwo\tthree\u00a0":  " one two three ",
		"\x1b[31m\u202egnp\u200b": "\ufffd[31m\ufffdgnp\ufffd",
		"\xff\x00":                "\ufffd\ufffd",
		strings.Repeat("ä", 20):   strings.Repeat("ä", 20),
		strings.Repeat("ä", 21):   strings.Repeat("ä", 20) + "…",
	} {
		if got := untrusted.SanitizeText(text, 20); got != want {
			t.Errorf("SanitizeText(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNameIsTrimmedAndNotMarked(t *testing.T) {
	for name, want := range map[string]string{
		" \tAda\nLovelace ":                           "Ada Lovelace",
		strings.Repeat("ä", 21):                       strings.Repeat("ä", 20),
		"Ada " + strings.Repeat(" ", 20) + "approved": "Ada",
	} {
		if got := untrusted.SanitizeName(name, 20); got != want {
			t.Errorf("SanitizeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestRetryAfterTakesSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]struct {
		wait time.Duration
		ok   bool
	}{
		"0":                              {0, true},
		" 7 ":                            {7 * time.Second, true},
		"86401":                          {24 * time.Hour, true},
		"99999999999999999999":           {24 * time.Hour, true},
		"Sun, 01 Mar 2026 12:01:30 GMT":  {90 * time.Second, true},
		"Sunday, 01-Mar-26 12:00:05 GMT": {5 * time.Second, true},
		"Sun, 01 Mar 2026 11:00:00 GMT":  {0, true},
		"Mon, 01 Mar 2027 12:00:00 GMT":  {24 * time.Hour, true},
		"":                               {},
		"-5":                             {},
		"1.5":                            {},
		"soon":                           {},
	} {
		wait, ok := untrusted.RetryAfter(http.Header{"Retry-After": {value}}, now)
		if wait != want.wait || ok != want.ok {
			t.Errorf("RetryAfter(%q) = %v, %v; want %v, %v", value, wait, ok, want.wait, want.ok)
		}
	}
	if wait, ok := untrusted.RetryAfter(nil, now); wait != 0 || ok {
		t.Errorf("RetryAfter without a header = %v, %v", wait, ok)
	}
}

func TestIsGUID(t *testing.T) {
	const guid = "0335a792-18d2-424b-aeed-559567054570"
	for s, want := range map[string]bool{
		guid:                                   true,
		strings.ToUpper(guid):                  true,
		"":                                     false,
		guid + "0":                             false,
		guid[1:]:                               false,
		"{" + guid + "}":                       false,
		strings.ReplaceAll(guid, "-", ""):      false,
		strings.ReplaceAll(guid, "-", "0"):     false,
		"0335a79-218d2-424b-aeed-559567054570": false,
		"0335a792-18d2-424b-aeed-55956705457g": false,
		"0335a792-18d2-424b-aeed-5595670545ä":  false,
	} {
		if got := untrusted.IsGUID(s); got != want {
			t.Errorf("IsGUID(%q) = %v, want %v", s, got, want)
		}
	}
}

// FuzzSanitize checks that a cleaned text is bounded, printable and one line, whatever the input.
func FuzzSanitize(f *testing.F) {
	f.Add("one\ntwo\u202e\x1b[31m", 5)
	f.Add("\xff", 0)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(0, limit%1000)
		isHidden := func(r rune) bool { return !unicode.IsPrint(r) }
		for _, got := range []string{untrusted.SanitizeText(text, limit), untrusted.SanitizeName(text, limit)} {
			if utf8.RuneCountInString(got) > limit+1 || !utf8.ValidString(got) || strings.ContainsFunc(got, isHidden) {
				t.Errorf("limit %d: %q became %q", limit, text, got)
			}
		}
	})
}
