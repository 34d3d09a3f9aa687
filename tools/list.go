package tools

import "fmt"

// List is the answer of a read operation. An interface that bounds its answers leaves out entries at the end.
type List interface {
	// Len returns the number of entries.
	Len() int
	// First returns the answer with its first n entries, and with the way to the rest if there is one. n is at most
	// Len.
	First(n int) List
	// Shortened returns the answer with its first entry alone, whose long texts are cut. It is for an entry that is too
	// long by itself. Len must not be 0.
	Shortened() List
}

// offsetInput is the input with which the rest of a list is read.
type offsetInput struct {
	Offset int `json:"offset" jsonschema:"minimum=0,example=100" jsonschema_description:"Skip this many entries, as next of an earlier answer says"`
}

// checkOffset returns a *Refusal of a negative offset.
func (in offsetInput) checkOffset() error {
	if in.Offset < 0 {
		return refuse("offset", "offset must be a whole number from 0, not %d", in.Offset).withHint("leave it out to begin at the start")
	}
	return nil
}

// skip returns a list without the entries before the offset.
func skip[T any](all []T, offset int) []T { return all[min(offset, len(all)):] }

// nextPage returns how to get the entries after the first shown ones, or "" if there are none.
func (in offsetInput) nextPage(operation string, shown, total int) string {
	end := in.Offset + shown
	if end >= total {
		return ""
	}
	return fmt.Sprintf("These are %d of %d entries. Call %s again with the same arguments and offset %d to get the rest.",
		shown, total, operation, end)
}

const (
	// maxShortText and maxShortTarget bound the texts of an entry that is too long by itself, in characters. An answer
	// with such an entry fits even if each character is escaped.
	maxShortText   = 400
	maxShortTarget = 1500
)

// shortenTexts cuts the texts in place.
func shortenTexts(n int, texts ...*string) {
	for _, s := range texts {
		*s = cutText(*s, n)
	}
}

// cutText returns the first n characters of a text, and how many are left out. The result is no valid target, so that a
// cut one cannot be sent back by mistake.
func cutText(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return fmt.Sprintf("%s… (%d more characters)", string(runes[:n]), len(runes)-n)
}
