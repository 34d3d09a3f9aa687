package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

func joinPath(at []string) string {
	if len(at) == 0 {
		return "the file"
	}
	return strings.Join(at, ".")
}

// describePath says which value stands at a place. Nobody counts rules from 0: what is in a list goes by its name or, when it
// has none, by its number in words.
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

// describeEntry is what people call an entry of a list.
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

// ordinalWord counts from 1.
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

// nodeAt finds the node at a location; with a key, the key itself. What cannot be found is where its parent is.
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

// childNode returns the key and the value of one member of a mapping or sequence.
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

// valueNode is the value at a path of the document, or its key where the value goes over several lines; nil where there
// is none.
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
