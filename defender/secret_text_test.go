package defender_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"scanwarden/defender"
)

func TestTrimSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hunter2":                            "hunter2",
		"hunter2\n":                          "hunter2",
		"hunter2\r\n":                        "hunter2",
		"hunter2\n\n\r\n":                    "hunter2",
		"\ufeffhunter2\r\n":                  "hunter2",
		" hunter2 \n":                        " hunter2 ",
		"pässwörd":                           "pässwörd",
		"":                                   "",
		"\n":                                 "",
		"\ufeff\n":                           "",
		"hun\nter2":                          "",
		"\nhunter2":                          "",
		"hun\tter2":                          "",
		"hunter2\x00":                        "",
		"hunter2\x7f":                        "",
		"hunter2\u0085":                      "",
		"hun\ufeffter2":                      "",
		"\ufeff\ufeffhunter2":                "",
		"hunter\xe4":                         "",
		utf16Text("hunter2", 0):              "",
		utf16Text("hunter2", 1):              "",
		utf16Text("hunter2\n", 0):            "",
		"\xff\xfe" + utf16Text("hunter2", 0): "",
		"\xfe\xff" + utf16Text("hunter2", 1): "",
	} {
		got, err := defender.TrimSecret(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hun") || !strings.Contains(err.Error(), ";")) {
			t.Errorf("%q: the error repeats the secret, or has no advice: %v", text, err)
		}
	}
	if _, err := defender.TrimSecret("\xff\xfe" + utf16Text("hunter2", 0)); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}

// utf16Text returns text in UTF-16 without a byte order mark. first is 0 for the low byte first, and 1 for the high one.
func utf16Text(text string, first int) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		pair := [2]byte{byte(unit), byte(unit >> 8)}
		out = append(out, pair[first], pair[1-first])
	}
	return string(out)
}
