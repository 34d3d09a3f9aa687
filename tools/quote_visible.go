package tools

// QuoteVisible returns a text of a PlannedScan in quotation marks, so that it cannot be taken for anything around it.
func QuoteVisible(text string) string { return quoteVisible(text) }
