package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// maxExactID is the largest integer whose neighbors a float64 tells apart. The library decodes ids as float64, so that a
// larger one would come back as another number, and the client would wait for ever.
const maxExactID = 1<<53 - 1

// inexactID returns the id of a message if it is a number that the library would not return exactly; otherwise nil. It
// decodes the message as the library does.
func inexactID(message []byte) json.RawMessage {
	var msg struct{ ID json.RawMessage }
	if json.Unmarshal(message, &msg) != nil || len(msg.ID) == 0 {
		return nil
	}
	if first := msg.ID[0]; first != '-' && (first < '0' || first > '9') {
		return nil // a string is returned as it is; everything else is no id
	}
	if n, err := strconv.ParseInt(string(msg.ID), 10, 64); err == nil && n >= -maxExactID && n <= maxExactID {
		return nil
	}
	// A fraction or an exponent is exact too, if the library writes the same text.
	var n float64
	if json.Unmarshal(msg.ID, &n) == nil && n >= -maxExactID && n <= maxExactID {
		if text, err := json.Marshal(n); err == nil && bytes.Equal(text, msg.ID) {
			return nil
		}
	}
	return msg.ID
}

// inexactIDError returns the response to a message with such an id. The id is repeated as it came.
func inexactIDError(id json.RawMessage) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"the request's id must be a string, or a whole number of at most 9007199254740991, to be returned exactly; send another id"}}`+"\n", id)
}
