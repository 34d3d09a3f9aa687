package blocks

// SplitText is splitText.
var SplitText = splitText
