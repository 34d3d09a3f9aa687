package blocks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"scanwarden/slackbot/internal/blocks"
)

// utf16Len returns the length of text as Slack counts it.
func utf16Len(text string) int { return len(utf16.Encode([]rune(text))) }

// FuzzSplitText checks that each part of a text fits a text object, and that the parts joined are the text.
func FuzzSplitText(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("a line\n", 1000))
	f.Add(strings.Repeat("😀", 4000))
	f.Add("\n\n" + strings.Repeat("x", 2900) + "\n\n\n" + strings.Repeat("y", 3000))
	f.Add(strings.Repeat(`"`, 3001) + strings.Repeat(`\`, 3000) + strings.Repeat(" - ", 1500))
	f.Add(strings.Repeat(", ", 4000))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // JSON has no other
		}
		parts, _ := blocks.SplitText(text)
		for _, part := range parts {
			if n := utf16Len(part); n == 0 || n > 3000 {
				t.Fatalf("a part has %d characters", n)
			}
		}
		if strings.Join(parts, "") != text {
			t.Fatal("the parts do not make the text again")
		}
		for _, n := range []int{24, 75, 300} {
			if short := blocks.Truncate(text, n); utf16Len(short) > n || (short != text && !strings.Contains(short, "…")) {
				t.Fatalf("cut to %d: %q", n, short)
			}
		}
	})
}

// token is a piece of a generated text that must not be split.
type token struct{ start, end int }

// tokenText returns a text of tokens that the bytes of seed select, and where its tokens are.
func tokenText(seed []byte) (text string, tokens []token) {
	var b strings.Builder
	for i, n := range seed {
		word := []string{
			fmt.Sprintf("172.20.%d.%d", n, i%256), fmt.Sprintf("10.0.%d.1-10.0.%d.254", n, n), fmt.Sprintf("10.%d.0.1 - 10.%d.0.9", n, n),
			fmt.Sprintf("2001:db8::%x/64", n), fmt.Sprintf(`"Core, \"old\" switches %d"`, i), fmt.Sprintf("3f2a%04x-11aa-4b7e-9d8e-5c5d6a7b8c9d", i),
			fmt.Sprintf("host%d.example.com", n), strings.Repeat("ä😀", int(n)),
		}[n%8]
		tokens = append(tokens, token{b.Len(), b.Len() + len(word)})
		b.WriteString(word)
		b.WriteString([]string{",", ", ", " ", "\n", " -> ", ",\n  "}[(int(n)/8)%6])
	}
	return b.String(), tokens
}

// FuzzNoTokenSpansABorder checks that no part of a text, and no text that is cut, ends inside a token.
func FuzzNoTokenSpansABorder(f *testing.F) {
	f.Add([]byte(strings.Repeat("\x00", 600)))
	f.Add([]byte(strings.Repeat("\x01\x02\x03\x04\x05\x06\x07\x08", 100)))
	f.Add([]byte(strings.Repeat("\x04\xff\x20\x12", 200)))
	f.Fuzz(func(t *testing.T, seed []byte) {
		text, tokens := tokenText(seed)
		inside := func(at int) bool {
			for _, k := range tokens {
				if k.start < at && at < k.end {
					return true
				}
			}
			return false
		}
		parts, numbered := blocks.SplitText(text)
		at := 0
		for i, part := range parts {
			if at += len(part); numbered[i] || inside(at) {
				t.Fatalf("part %d ends inside a token: …%q", i, part[max(0, len(part)-40):])
			}
		}
		for _, n := range []int{75, 280, 1500} {
			short, cut := strings.CutSuffix(blocks.Truncate(text, n), "…")
			if cut && len(short) > 0 && inside(len(short)) && !strings.HasSuffix(short, "(cut)") {
				t.Fatalf("cut to %d inside a token: %q", n, short)
			}
		}
	})
}

func TestAnAddressIsNotSplit(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 800 {
		all = append(all, fmt.Sprintf("172.20.%d.%d", 101+i/256, i%256))
	}
	list := strings.Join(all, ",")
	for name, render := range map[string]func() any{
		"sections": func() any { return blocks.TextSections("Add a scan of " + list) },
		"code":     func() any { return blocks.CodeBlocks("Core\n  target: " + list) },
	} {
		raw, err := json.Marshal(render())
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range all {
			if !strings.Contains(string(raw), address+",") && !strings.Contains(string(raw), address+`"`) {
				t.Errorf("%s: %s is not whole", name, address)
			}
		}
	}
}

func TestATokenLongerThanABlockIsShownInNumberedParts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 700)
	raw, err := json.Marshal(blocks.TextSections("Name: " + long + " and 10.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "0123456789"); n < 690 {
		t.Errorf("%d of 700 repetitions are shown", n)
	}
	for _, mark := range []string{"Name: ", "Part 1 of 3 of one value", "Part 2 of 3", "Part 3 of 3", "and 10.0.0.1"} {
		if !strings.Contains(string(raw), mark) {
			t.Errorf("%q is not shown", mark)
		}
	}
}

func TestTruncateCutsBetweenTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"10.0.0.1,172.20.101.192,10.0.0.3", "10.0.0.1,…"},
		{`Change "Core switches of the old building"`, "Change …"},
		{"short", "short"},
		{"averyveryverylonghostname.example.com", "averyveryver… (cut)"},
		{"10.0.0.1 - 10.0.0.99, 10.0.0.100", "10.0.0.1 - 1… (cut)"},
	} {
		if got := blocks.Truncate(c.text, 19); got != c.want {
			t.Errorf("%q is cut to %q, want %q", c.text, got, c.want)
		}
	}
}

// A name of quotation marks and backslashes must not make splitting quadratic.
func TestQuotationMarksAreScannedOnce(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`"\`, 1<<20) + strings.Repeat(`\"`, 1<<20)
	start := time.Now()
	if parts, _ := blocks.SplitText(text); strings.Join(parts, "") != text {
		t.Error("the parts do not make the text again")
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("splitting took %v", took)
	}
}
