package blocks

// SplitText returns the texts of the parts that splitText makes, and whether each is a numbered part of one token.
func SplitText(text string) (texts []string, numbered []bool) {
	for _, p := range splitText(text) {
		texts, numbered = append(texts, p.text), append(numbered, p.of > 0)
	}
	return texts, numbered
}
