package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const tagHint = "what begins with ! is a tag in YAML, and no value; put the whole value or expression in single quotes"

// lintNodes returns mistakes that YAML accepts: tags, which swallow a value, and repeated keys.
func lintNodes(node *yaml.Node, lines [][]byte) (found []fileError) {
	if strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") || isDroppedTag(node, lines) {
		found = append(found, fileError{node.Line, node.Column, tagHint})
	}
	first := map[string]int{}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			if line := first[child.Value]; line > 0 {
				found = append(found, fileError{child.Line, child.Column, fmt.Sprintf("%q appears twice, the first time on line %d; keep one", child.Value, line)})
			}
			first[child.Value] = child.Line
			if child.Kind == yaml.ScalarNode && child.Tag != "!!str" && child.Tag != "!!merge" {
				found = append(found, fileError{child.Line, child.Column, "a key must be a text, and this is none; put it in quotes"})
			}
		}
		found = append(found, lintNodes(child, lines)...)
	}
	return found
}

// isDroppedTag reports whether a value follows "! ", of which the library keeps nothing but the place. Without the
// check "! agent" would be read as its opposite.
func isDroppedTag(node *yaml.Node, lines [][]byte) bool {
	if node.Kind != yaml.ScalarNode || node.Line < 1 || node.Line > len(lines) {
		return false
	}
	line := []rune(string(lines[node.Line-1]))
	return node.Column <= len(line) && strings.HasPrefix(string(line[node.Column-1:]), "! ")
}

// describeDecodeError adds a column to the library's errors, which name only a line, and removes the value, which may
// be a secret.
func describeDecodeError(err error, lines [][]byte) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	text = regexp.MustCompile("cannot unmarshal [^\n]*").ReplaceAllString(text, "the value is out of bounds; correct it")
	text = regexp.MustCompile(`line (\d+): `).ReplaceAllStringFunc(text, func(place string) string {
		n, _ := strconv.Atoi(strings.Trim(place, "line: "))
		if n < 1 || n > len(lines) {
			return place
		}
		return fmt.Sprintf("line %d, column %d: ", n, len(lines[n-1])-len(bytes.TrimLeft(lines[n-1], " \t"))+1)
	})
	return errors.New(strings.ReplaceAll(text, "\n  ", "; "))
}
