package target_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/tools/internal/target"
)

// TestListsAreReadAsPeoplePasteThem from documents, tables, mails and chats.
func TestListsAreReadAsPeoplePasteThem(t *testing.T) {
	for given, want := range map[string]string{
		// dashes
		"192.0.2.1–192.0.2.50":                  "192.0.2.1-192.0.2.50",
		"192.0.2.1 – 192.0.2.50":                "192.0.2.1-192.0.2.50",
		"192.0.2.1–20":                          "192.0.2.1-192.0.2.20",
		"192.0.2.1—192.0.2.9":                   "192.0.2.1-192.0.2.9",
		"192.0.2.1\u2212192.0.2.9":              "192.0.2.1-192.0.2.9", // minus sign
		"192.0.2.1\u2011192.0.2.9":              "192.0.2.1-192.0.2.9", // non-breaking hyphen
		"192.0.2.1- 9, 192.0.2.20 -30":          "192.0.2.1-192.0.2.9,192.0.2.20-192.0.2.30",
		"2001:db8::1\u00a0–\u00a0[2001:db8::9]": "2001:db8::1-2001:db8::9",
		"192.0.2.1\u200b–\u200b192.0.2.9":       "192.0.2.1-192.0.2.9",
		"192.0.2.1 - 192.0.2.9 192.0.2.20":      "192.0.2.1-192.0.2.9,192.0.2.20",
		// separators
		"192.0.2.1;192.0.2.2 ; 192.0.2.3;":              "192.0.2.1,192.0.2.2,192.0.2.3",
		"192.0.2.1 192.0.2.2\t192.0.2.3":                "192.0.2.1,192.0.2.2,192.0.2.3",
		"192.0.2.1\u00a0192.0.2.2\u2003192.0.2.3":       "192.0.2.1,192.0.2.2,192.0.2.3",
		"192.0.2.1\r\n\r\n192.0.2.2\n":                  "192.0.2.1,192.0.2.2",
		"192.0.2.1,\n192.0.2.2,\n":                      "192.0.2.1,192.0.2.2",
		"192.0.2.1\u2028192.0.2.2\v192.0.2.3":           "192.0.2.1,192.0.2.2,192.0.2.3",
		",192.0.2.1，192.0.2.2；192.0.2.3":                "192.0.2.1,192.0.2.2,192.0.2.3",
		"sw1.example.com sw-2\nSW_3;sw1.example.com.br": "sw1.example.com,sw-2,SW_3,sw1.example.com.br",
		"sw1 and-2": "sw1,and-2",
		"and":       "and", // alone, it can only be a host
		// bullets and numbers
		"• 192.0.2.1\n• 192.0.2.2":                  "192.0.2.1,192.0.2.2",
		"•192.0.2.1 •192.0.2.2":                     "192.0.2.1,192.0.2.2",
		"\uf0b7\t192.0.2.1\n\uf0b7\t192.0.2.2":      "192.0.2.1,192.0.2.2",
		"- 192.0.2.1\n- 192.0.2.2-9\n":              "192.0.2.1,192.0.2.2-192.0.2.9",
		"  – 192.0.2.1\n  – 192.0.2.2":              "192.0.2.1,192.0.2.2",
		"* sw1\n* sw2":                              "sw1,sw2",
		"1. 192.0.2.1\n2. 192.0.2.2\n10) 192.0.2.3": "192.0.2.1,192.0.2.2,192.0.2.3",
		// marks around
		`"192.0.2.1","192.0.2.2"`:            "192.0.2.1,192.0.2.2",
		`“192.0.2.1, 192.0.2.2”`:             "192.0.2.1,192.0.2.2",
		"'sw1' `sw2` «sw3»":                  "sw1,sw2,sw3",
		"[2001:db8::1]":                      "2001:db8::1",
		"\ufeff192.0.2.1\u200b,192.0.2.2":    "192.0.2.1,192.0.2.2",
		"192.0.2.1, 192.0.2.1; 192.0.2.1/32": "192.0.2.1",
	} {
		got, err := target.Parse(given, "")
		if err != nil || got.String() != want {
			t.Errorf("%q is %q, %v; want %q", given, got, err, want)
		}
	}
}

// TestWhatCouldMeanTwoThingsIsRefused, with the entry and the way to write it.
func TestWhatCouldMeanTwoThingsIsRefused(t *testing.T) {
	for given, want := range map[string]string{
		"- 192.0.2.1 - 192.0.2.9":           "could be a bullet or belong to a range",
		"192.0.2.1\n- 192.0.2.9":            "could be a bullet or belong to a range",
		"192.0.2.1 -\n192.0.2.9":            "lacks an end",
		"192.0.2.1 and 192.0.2.2":           `"and" could be a word or a hostname`,
		"sw1 and sw2":                       `"and" could be a word or a hostname`,
		"192.0.2.1 to 192.0.2.9":            `"to" could be a word`,
		"192.0.2.0 255.255.255.0":           "looks like the mask of the address before it",
		"192.0.2.0 0.0.0.255":               "looks like the mask of the address before it",
		"192.0.2.0 /24":                     "is not an IP address",
		"192.0.2.7/24":                      "points inside its network",
		"192.0.2.1,,192.0.2.2":              "has an empty entry",
		"192.0.2.*":                         "is not an IP address",
		"[192.0.2.1]":                       "is not an IP address",
		"[2001:db8::1]:161":                 "is not an IP address",
		"192.0.2.1 - 192.0.2.5 - 192.0.2.9": "is not an IP address",
		"sw1 - sw9":                         "could be a bullet or belong to a range",
		"sw\u20131.example.com":             "it has the dash U+2013 in place of a hyphen",
		"sw1\u200bx":                        "only ASCII letters",
		"192.0.2.10 20":                     "is not an IP address",
		"192.0.2.1 sw1":                     "mixes kinds",
		"sw1.example.com. ":                 "1 to 63 characters",
		"\u200b":                            "is empty",
		" ;, \n":                            "empty",
	} {
		_, err := target.Parse(given, "")
		if fault := (*target.Error)(nil); !errors.As(err, &fault) || !strings.Contains(err.Error(), want) || fault.Next == "" {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
	}
}

// TestStoredTargetsAreReadAsTheyAre: Defender may read a list that people paste as something else, so that it counts as
// everything.
func TestStoredTargetsAreReadAsTheyAre(t *testing.T) {
	for _, stored := range []string{"192.0.2.1–192.0.2.9", "192.0.2.1;192.0.2.2", "192.0.2.1 192.0.2.2", "• 192.0.2.1", "[2001:db8::1]", `"192.0.2.1"`} {
		if got := target.Read(stored); len(got.Entries) > 0 {
			t.Errorf("%q is read as %q", stored, got)
		}
		var c target.Coverage
		c.Add(stored)
		if addresses, _, _ := c.Count(); addresses < 1<<31 {
			t.Errorf("%q counts as %d addresses", stored, addresses)
		}
	}
}
