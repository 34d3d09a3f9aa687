package terminal

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestWidth: wide characters take two columns, marks none, and what is escaped counts as it is shown.
func TestWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "Core switches": 13, "Kraków": 6, "Krako\u0301w": 6, "東京": 4, "Ａ": 2, "日本-1": 6, "\x1b": len("<U+001B>"), "🖧🚀": 3, "ｱ": 1,
	} {
		if got := Text(text).Width(); got != want {
			t.Errorf("%q: %d columns, want %d", text, got, want)
		}
	}
}

// TestSanitize: nothing that a terminal interprets passes, and what is visible is unchanged.
func TestSanitize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain \"text\" 東京 é":    "plain \"text\" 東京 é",
		"\x1b[31mred":            "⟨U+001B⟩[31mred",
		"\u009b31m":              "⟨U+009B⟩31m",
		"a\nb\rc\td\x07":         "a⟨U+000A⟩b⟨U+000D⟩c⟨U+0009⟩d⟨U+0007⟩",
		"\u202egnp.exe":          "⟨U+202E⟩gnp.exe",
		"zero\u200bwidth":        "zero⟨U+200B⟩width",
		"no\u00a0break":          "no⟨U+00A0⟩break",
		"\ufe0f\u3164\U000e0041": "⟨U+FE0F⟩⟨U+3164⟩⟨U+E0041⟩",
		"\xff":                   "\ufffd",
	} {
		if got := Sanitize(text); got != want || Sanitize(got) != got {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got, want := SanitizeLines("a\n\x1bb"), "a\n⟨U+001B⟩b"; got != want {
		t.Errorf("lines: %q, want %q", got, want)
	}
}

// TestWrap: lines break between words, hang under the first, and a word stays in one piece.
func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text        string
		width, hang int
		want        string
	}{
		{"", 10, 2, ""},
		{"one two", 10, 2, "one two"},
		{"one two three", 10, 2, "one two|  three"},
		{"    one two three", 8, 4, "    one|    two|    three"},
		{"a column   value that is long", 20, 11, "a column   value|           that is|           long"},
		{"192.0.2.10,192.0.2.11,192.0.2.12 x", 10, 0, "192.0.2.10,192.0.2.11,192.0.2.12|x"},
		{"    192.0.2.10,192.0.2.11 x", 10, 4, "    192.0.2.10,192.0.2.11|    x"},
		{"東京 東京 東京", 9, 0, "東京 東京|東京"},
		{"ends here  ", 9, 0, "ends here"},
	} {
		var got []string
		for _, l := range Wrap(Text(tt.text), tt.width, tt.hang) {
			got = append(got, l.String())
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%q in %d: %q, want %q", tt.text, tt.width, strings.Join(got, "|"), tt.want)
		}
	}
	styled := Wrap(Join(Text("aaa "), Styled(Bold, "bbb"), Text(", ccc")), 7, 0)
	if len(styled) != 3 || styled[1].String() != "bbb," {
		t.Errorf("a comma left its word: %q", styled)
	}
}

// TestBeside: the right part ends at the right edge, or stands on a line of its own.
func TestBeside(t *testing.T) {
	t.Parallel()
	if got := Beside(Text("left"), Text("東京"), 12); len(got) != 1 || got[0].String() != "left    東京" {
		t.Errorf("%q", got)
	}
	if got := Beside(Text("left"), Text("right"), 10); len(got) != 2 || got[1].String() != "     right" {
		t.Errorf("%q", got)
	}
	if got := Beside(Text("left"), nil, 10); len(got) != 1 || got[0].String() != "left" {
		t.Errorf("%q", got)
	}
}

// TestPrinterOnATerminal: a terminal gets styles and its own width. NO_COLOR and TERM=dumb turn styles off.
func TestPrinterOnATerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env     map[string]string
		columns uint16
		width   int
		want    string
	}{
		{map[string]string{"TERM": "xterm", "COLUMNS": "200"}, 80, 80, "\x1b[31mwrong\x1b[0m \x1b[1m⟨U+001B⟩[2J\x1b[0m\r\n"},
		{map[string]string{"NO_COLOR": "1"}, 60, 60, "wrong ⟨U+001B⟩[2J\r\n"},
		{map[string]string{"TERM": "dumb"}, 10, minWidth, "wrong ⟨U+001B⟩[2J\r\n"},
		{map[string]string{}, 250, maxWidth, "\x1b[31mwrong\x1b[0m \x1b[1m⟨U+001B⟩[2J\x1b[0m\r\n"},
	} {
		master, tty, err := pty.Open()
		if err != nil {
			t.Skip("no pseudo-terminal to be had: ", err)
		}
		defer master.Close()
		defer tty.Close()
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: tt.columns}); err != nil {
			t.Fatal(err)
		}
		p := NewPrinter(tty, tt.env)
		p.Print(Join(Styled(Red, "wrong"), Text(" "), Styled(Bold, "\x1b[2J"), Styled(Dim, "  ")))
		got, err := bufio.NewReader(master).ReadString('\n') // a single Read may return a part of the line
		if err != nil || got != tt.want || p.Width() != tt.width {
			t.Errorf("%v: %q in %d columns (%v), want %q in %d", tt.env, got, p.Width(), err, tt.want, tt.width)
		}
	}
}

// TestPrinterInAPipe: a pipe gets no styles, and 80 columns or those of COLUMNS.
func TestPrinterInAPipe(t *testing.T) {
	t.Parallel()
	for columns, want := range map[string]int{"": defaultWidth, "200": 200, "none": defaultWidth, "3": defaultWidth} {
		var out bytes.Buffer
		p := NewPrinter(&out, map[string]string{"COLUMNS": columns, "TERM": "xterm"})
		p.Print(Styled(Green, "ok"))
		p.Prompt(Text("code: "))
		if out.String() != "ok\ncode: " || p.Width() != want || p.Err() != nil {
			t.Errorf("COLUMNS=%s: %q in %d columns, %v", columns, out.String(), p.Width(), p.Err())
		}
	}
	p := &Printer{color: true}
	if got, want := p.render(Wrap(Join(Styled(Red, "one two"), Text(" three")), 80, 0)[0]), "\x1b[31mone two\x1b[0m three"; got != want {
		t.Errorf("a style begins anew with each word: %q, want %q", got, want)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if IsTerminal(null) || IsTerminal(&bytes.Buffer{}) {
		t.Error("a file that is no terminal counts as one")
	}
}

// TestPrinterKeepsItsError: the first error of writing is reported, and nothing is written after it.
func TestPrinterKeepsItsError(t *testing.T) {
	t.Parallel()
	closed, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	p := NewPrinter(closed, nil)
	p.Print(Text("x"))
	p.Prompt(Text("y"))
	if p.Err() == nil {
		t.Error("an error of writing is lost")
	}
}
