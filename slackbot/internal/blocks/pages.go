package blocks

import (
	"encoding/json"

	"github.com/slack-go/slack"
)

const (
	// MaxMessageBlocks bounds a message; Slack takes 50 blocks.
	MaxMessageBlocks = 46
	// MaxMessageBytes bounds the JSON of a message's blocks. Slack's own bound is not documented and is higher.
	MaxMessageBytes = 13_000

	maxPageBlocks = 90     // in a modal; Slack takes 100
	maxPageBytes  = 90_000 // of a modal's blocks
	maxPages      = 30     // a plan with more is not read to its end
)

// Fits reports whether blocks are at most maxBlocks in number and maxBytes as JSON.
func Fits(blocks []slack.Block, maxBlocks, maxBytes int) bool {
	return len(blocks) <= maxBlocks && jsonSize(blocks...) <= maxBytes
}

// jsonSize returns the number of bytes of blocks as JSON. Blocks that cannot be marshaled fit nowhere.
func jsonSize(blocks ...slack.Block) int {
	b, err := json.Marshal(blocks)
	if err != nil {
		return maxPages * maxPageBytes
	}
	return len(b)
}

// Pages returns the plan as pages for modals, in order. It returns nil when the plan is too long for them, so that a caller can
// offer no approval of a plan that was not shown whole.
func (p Plan) Pages() [][]slack.Block {
	var out [][]slack.Block
	var page []slack.Block
	size := 0
	for _, block := range append([]slack.Block{Header(p.Question())}, p.All()...) {
		n := jsonSize(block)
		if n > maxPageBytes {
			return nil
		}
		if len(page) == maxPageBlocks || size+n > maxPageBytes {
			out, page, size = append(out, page), nil, 0
		}
		page, size = append(page, block), size+n
	}
	if out = append(out, page); len(out) > maxPages {
		return nil
	}
	return out
}
