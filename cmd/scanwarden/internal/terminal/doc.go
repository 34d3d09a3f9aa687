// Package terminal writes text for people to a terminal or a pipe: styles, wrapping, columns and display width.
//
// A command builds Lines from Text and Styled, arranges them with Wrap, Pad and Beside, and passes them to
// Printer.Print. Styles become escape sequences (ECMA-48, select graphic rendition) only there, and only if the output is
// a terminal that wants them.
//
// The invariant: every character that a terminal could interpret is made visible when a Line is built. So text of
// Defender, of a model or of the database cannot emit an escape sequence, hide, reorder or overwrite what stands around it.
package terminal
