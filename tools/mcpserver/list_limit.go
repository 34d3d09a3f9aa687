package mcpserver

import (
	"bytes"
	"encoding/json"
	"sort"

	"scanwarden/tools"
)

// maxAnswerBytes bounds the result of a call as the client receives it: 20,000 tokens of four bytes, less the envelope.
// Claude Code refuses an answer of more than 25,000 tokens as a whole.
const maxAnswerBytes = 20_000*4 - 1_000

// marshalAnswer returns the structured content of a result. Of a list that would be too long, it leaves out entries at
// the end.
func marshalAnswer(value any) ([]byte, error) {
	document, err := json.Marshal(value)
	list, ok := value.(tools.List)
	if err != nil || !ok || answerSize(document) <= maxAnswerBytes {
		return document, err
	}
	fits := func(l tools.List) bool {
		document, err = json.Marshal(l)
		return err != nil || answerSize(document) <= maxAnswerBytes
	}
	n := sort.Search(list.Len(), func(n int) bool { return !fits(list.First(n + 1)) })
	if n == 0 && list.Len() > 0 {
		return json.Marshal(list.Shortened())
	}
	return json.Marshal(list.First(n))
}

// answerSize returns the bytes that a document takes in a result. The result has it twice: as structured content, and as
// text in which quotation marks and backslashes are escaped.
//
// Both are sent because every protocol version with structured content asks for the text as well (server/tools,
// "Structured Content"), and because clients differ in which of the two they pass to their model. With a summary as text,
// those that pass the text would hide the list.
func answerSize(document []byte) int {
	return 2*len(document) + bytes.Count(document, []byte(`"`)) + bytes.Count(document, []byte(`\`))
}
