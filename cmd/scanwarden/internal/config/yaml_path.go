package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// joinPath returns a path as users write it, such as policy.expires.
func joinPath(at []string) string {
	if len(at) == 0 {
		return "the file"
	}
	return strings.Join(at, ".")
}

// describePath returns a name for the value at a path. An entry of a list is named by its name or by an ordinal word,
// because users do not count rules from 0.
func describePath(document *yaml.Node, at []string) string {
	for i := len(at) - 1; i > 0; i-- {
		list := nodeAt(document, at[:i], "")
		if list.Kind != yaml.SequenceNode {
			continue
		}
		entry := describeEntry(document, list, at[:i], at[i])
		if i == len(at)-1 {
			return entry
		}
		return joinPath(at[i+1:]) + " of " + entry
	}
	return joinPath(at)
}

// describeEntry returns a name for an entry of a list, such as `the rule "large"` or "the second entry of
// policy.approvers".
func describeEntry(document, list *yaml.Node, at []string, index string) string {
	kind := map[string]string{"policy.rules": "rule", "people": "person"}[joinPath(at)]
	_, entry := childNode(list, index)
	if _, name := childNode(followAlias(entry), "name"); kind != "" && name != nil && name.Tag == "!!str" && name.Value != "" {
		return fmt.Sprintf("the %s %q", kind, name.Value)
	}
	if kind == "" {
		return fmt.Sprintf("the %s entry of %s", ordinalWord(index), describePath(document, at))
	}
	return fmt.Sprintf("the %s %s", ordinalWord(index), kind)
}

// ordinalWord returns the ordinal of an index, counted from 1: "first" for "0".
func ordinalWord(index string) string {
	words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	i, _ := strconv.Atoi(index)
	if i < len(words) {
		return words[i]
	}
	ending := map[int]string{1: "st", 2: "nd", 3: "rd"}[(i+1)%10]
	if ending == "" || (i+1)/10%10 == 1 {
		ending = "th"
	}
	return strconv.Itoa(i+1) + ending
}

// nodeAt returns the node at a path or, with a key, the node of that key. If it does not exist, it returns the closest
// parent.
func nodeAt(document *yaml.Node, at []string, key string) *yaml.Node {
	node := followAlias(document)
	for _, name := range at {
		_, value := childNode(node, name)
		if value == nil {
			return node
		}
		node = followAlias(value)
	}
	if found, _ := childNode(node, key); found != nil && key != "" {
		return found
	}
	return node
}

// followAlias returns the node that a document or alias refers to.
func followAlias(node *yaml.Node) *yaml.Node {
	for {
		switch {
		case node.Kind == yaml.DocumentNode && len(node.Content) > 0:
			node = node.Content[0]
		case node.Kind == yaml.AliasNode && node.Alias != nil:
			node = node.Alias
		default:
			return node
		}
	}
}

// childNode returns key and value of one member of a mapping or list, or nil if there is none.
func childNode(node *yaml.Node, name string) (key, value *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	}
	return nil, nil
}

// valueNode returns the value at a path of the document, or its key if the value is a list or mapping. It returns nil
// if there is none.
func valueNode(document *yaml.Node, path []string) *yaml.Node {
	if document == nil {
		return nil
	}
	node := document
	key := node
	for _, name := range path {
		if key, node = childNode(followAlias(node), name); node == nil {
			return nil
		}
	}
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		return key
	}
	return node
}
