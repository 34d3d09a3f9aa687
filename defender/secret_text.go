package defender

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark is U+FEFF, which editors of Windows put before UTF-8 text.
const byteOrderMark = "\uFEFF"

// TrimSecret returns the secret in text, which was read from a file, a variable or a vault. It removes what editors and
// shells add: a UTF-8 byte order mark at the start and newlines at the end. It returns an error for text that no password
// can be, because Defender would accept it and every device refuse it. The error does not repeat the text.
func TrimSecret(text string) (string, error) {
	text = strings.TrimRight(strings.TrimPrefix(text, byteOrderMark), "\r\n")
	switch {
	case text == "":
		return "", errors.New("it is empty; write the secret there")
	case isUTF16(text):
		return "", errors.New("it is UTF-16 text; save it as UTF-8, without a byte order mark")
	case !utf8.ValidString(text):
		return "", errors.New("it is not UTF-8 text; save it as UTF-8")
	case strings.Contains(text, byteOrderMark):
		return "", errors.New("a byte order mark stands inside it; write the secret again, without copying it from a file")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("a newline, tab or other control character stands inside it; write the secret alone, on one line")
	}
	return text, nil
}

// isUTF16 reports whether text is UTF-16, in either byte order, with or without a byte order mark. A secret has a
// letter or digit of ASCII, whose other byte is zero.
func isUTF16(text string) bool {
	return strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || strings.Contains(text, "\x00")
}
